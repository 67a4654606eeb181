"""What a packed service needs, each with the exact version that is installed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution

from mizzen.errors import MissingDependencyError


def pinned(roots: Iterable[str], versions: Mapping[str, str]) -> list[str]:
    """Requirements of the roots and of everything that they need, without Mizzen itself.

    Args:
        roots: requirements such as `mizzen[serving]` or `lightgbm`.
        versions: name -> exact version, where another than the installed one is wanted: the
            versions that a model was trained with.

    Raises:
        MissingDependencyError: a library is not installed here, so its version is unknown.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    waiting = [Requirement(root) for root in roots]
    seen: set[tuple[str, str]] = set()
    found: dict[str, str] = {}
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = _version(name)
            needs = map(Requirement, distribution(name).requires or ())
            waiting += [n for n in needs if _applies(n, extra)]
    found |= {canonicalize_name(name): version for name, version in versions.items()}
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name != "mizzen"]


def _applies(need: object, extra: str) -> bool:
    marker = getattr(need, "marker", None)
    return marker is None or bool(marker.evaluate({"extra": extra}))


def _version(name: str) -> str:
    """The public part: `2.13.0+cpu` is built elsewhere under the same name."""
    try:
        return distribution(name).version.partition("+")[0]
    except PackageNotFoundError:
        raise MissingDependencyError(
            f"{name} is not installed, so its version cannot be pinned",
            next_step=f"pip install {name}",
        ) from None
