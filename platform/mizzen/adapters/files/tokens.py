"""Named bearer tokens, from a file or from a mounted Secret: who may ask a server, and what.

A file has a line for each caller, a folder a file called after each caller::

    # NAME   TOKEN, or sha256: and its digest      RIGHTS
    shop     sha256:5e884898da28047151d0e56f8dc62927...
    reporter 0b2d6c0f4b2e9c8b7a6f5e4d3c2b1a09             labels

Digests are kept, never tokens. What is looked at again every second makes a change count without
a restart; a file that cannot be read any more changes nothing, and is reported in the log.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mizzen.errors import UserError

logger = logging.getLogger("mizzen.tokens")
_SHORTEST = 16
_LOOK_SECONDS = 1.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_TOKEN = re.compile(r"[!-~]+")
_Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """One that carries a token; `rights`: what it may do."""

    name: str
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """What a server's tokens may say.

    Args:
        server: as errors call it.
        rights: what a token may allow.
        usual: what a caller gets whose line names none; empty where each line has to.
        guide: the page that explains it.
    """

    server: str
    rights: frozenset[str]
    usual: frozenset[str]
    guide: str

    @property
    def line(self) -> str:
        """One line, in words."""
        return "NAME TOKEN" if self.usual else f"NAME TOKEN {sorted(self.rights)[0]}"


class NamedTokens:
    """The tokens that count now.

    Args:
        path: the file, or the folder.

    Raises:
        UserError: it cannot be read, or holds no caller, or one that is not as above.
    """

    def __init__(
        self, path: Path, form: TokenFormat, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._form, self._clock = path, form, clock
        self._signature = _signature(path, form)
        self._callers = read_tokens(path, form)
        self._looked = clock()

    def find(self, token: str) -> Caller | None:
        """Who carries this token; takes as long for a wrong one as for a right one."""
        self._look()
        digest = hashlib.sha256(token.encode()).digest()
        found = None
        for known, caller in self._callers:
            if hmac.compare_digest(digest, known):
                found = caller
        return found

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            signature = _signature(self._path, self._form)
            if signature != self._signature:
                self._callers = read_tokens(self._path, self._form)
                self._signature = signature
                logger.warning("callers read again: %s", _names(self._callers))
        except UserError as error:
            logger.error("the earlier callers still count: %s", error)


def read_tokens(path: Path, form: TokenFormat) -> list[tuple[bytes, Caller]]:
    """Digests of tokens and who carries them; raises as `NamedTokens` does."""
    found = [_caller(form, where, words) for where, words in _lines(path, form)]
    if not found:
        raise _refusal(form, "it names no caller", path)
    if len({digest for digest, _ in found}) < len(found):
        raise _refusal(form, "two callers have the same token", path)
    if len({caller.name for _, caller in found}) < len(found):
        raise _refusal(form, "a caller is named twice", path)
    return found


def _lines(path: Path, form: TokenFormat) -> Iterator[tuple[str, list[str]]]:
    """Where a caller is written, and the words: name, token, rights."""
    try:
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if not file.name.startswith("."):  # Kubernetes keeps its own links there
                    yield str(file), [file.name, *file.read_text("utf-8").split()]
            return
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            words = line.partition("#")[0].split()
            if words:
                yield f"{path}, line {number}", words
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(form, str(error), path) from None


def _caller(form: TokenFormat, where: str, words: list[str]) -> tuple[bytes, Caller]:
    name, token, rights = (words[0], words[1] if len(words) > 1 else "", words[2:])
    if not _NAME.fullmatch(name):
        raise _refusal(form, "no name of a caller", where, "letters, digits, . _ and -, up to 63")
    given = frozenset(rights[0].split(",")) if rights else form.usual
    if len(rights) > 1 or not given or not given <= form.rights:
        allowed = f"{', '.join(sorted(form.rights))} with commas"
        raise _refusal(form, f"the rights of {name}", where, allowed)
    return _digest(form, where, name, token), Caller(name, given)


def _digest(form: TokenFormat, where: str, name: str, token: str) -> bytes:
    written = _DIGEST.fullmatch(token)
    if written is not None:
        return bytes.fromhex(written[1])
    # a token itself is never shown
    if len(token) < _SHORTEST or not _TOKEN.fullmatch(token) or token.startswith("sha256:"):
        allowed = f"{_SHORTEST} visible characters or more, or sha256:HEX"
        raise _refusal(form, f"the token of {name}", where, allowed)
    return hashlib.sha256(token.encode()).digest()


def _signature(path: Path, form: TokenFormat) -> _Signature:
    """Changes whenever the file, or one of the folder, is written or replaced."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        facts = [(file.name, file.stat()) for file in files]
    except OSError as error:
        raise _refusal(form, str(error), path) from None
    return tuple((name, fact.st_mtime_ns, fact.st_ino, fact.st_size) for name, fact in facts)


def _names(callers: list[tuple[bytes, Caller]]) -> str:
    return ", ".join(caller.name for _, caller in callers)


def _refusal(form: TokenFormat, what: str, where: object, allowed: str | None = None) -> UserError:
    example = form.line.replace("TOKEN", "$(openssl rand -hex 32)")
    usual = f"a file with lines `{form.line}`, or a folder with a file for each name"
    return UserError(
        f"{form.server}'s tokens cannot be used",
        given=f"{what} ({where})",
        allowed=allowed or usual,
        next_step=f'echo "{example}" > FILE; see {form.guide}',
    )
