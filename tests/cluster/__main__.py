"""`python tests/cluster VERB`: the door for make targets and for people.

What it prints on standard output can be piped:
`export KUBECONFIG=$(python tests/cluster kubeconfig)`. Python puts this folder on the import path
when it runs it, so `testnode` and `scenario` are found without being installed; `pythonpath` in
pyproject.toml does the same for pytest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from scenario.story import tell
from testnode.addons.catalogue import ADDONS
from testnode.building import parts
from testnode.building.build import build_all, build_parts
from testnode.errors import ClusterError
from testnode.figures_page import PAGE, write_page
from testnode.images.mizzen import build_mizzen_images
from testnode.providers.choice import PROVIDERS, add, choose


def main(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    verb: Callable[[argparse.Namespace], None] = arguments.verb
    try:
        verb(arguments)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/cluster",
        description="A Kubernetes cluster for the tests.",
        epilog=f"CLUSTER={'|'.join(PROVIDERS)} chooses the cluster; the default is node.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (verb, text) in VERBS.items():
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(verb=verb)
        if name == "build":
            help_ = f"only these parts: {', '.join(parts.ALL)}"
            added.add_argument("parts", nargs="*", metavar="PART", help=help_)
        if name == "up":
            names = ", ".join(ADDONS)
            added.add_argument("--with", dest="addons", action="append", default=[], help=names)
        if name == "images":
            added.add_argument("names", nargs="+", metavar="NAME", help="core, serving, ...")
    return parser


def _build(arguments: argparse.Namespace) -> None:
    if arguments.parts:
        build_parts(arguments.parts, _say)
    else:
        build_all(_say)


def _up(arguments: argparse.Namespace) -> None:
    cluster = choose()
    _say(cluster.up())
    for name in arguments.addons:
        add(cluster, name)
        _say(f"{name} is installed")
    _say(cluster.status())


def _down(_: argparse.Namespace) -> None:
    choose().down()


def _status(_: argparse.Namespace) -> None:
    _say(choose().status())


def _kubeconfig(_: argparse.Namespace) -> None:
    _say(str(choose().kubectl().kubeconfig))


def _figures(_: argparse.Namespace) -> None:
    write_page(parts.part("kubernetes").version)
    _say(str(PAGE))


def _images(arguments: argparse.Namespace) -> None:
    for name in build_mizzen_images(arguments.names, _say):
        begun = time.monotonic()
        choose().load_image(name)
        _say(f"{name}: on the cluster after {time.monotonic() - begun:.0f} s")


def _demo(_: argparse.Namespace) -> None:
    build_all(_say)
    tell(choose(), _say)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


VERBS = {
    "build": (_build, "build and download what the node needs; resumes where it stopped"),
    "up": (_up, "start the cluster; a broken node of before is swept away first"),
    "down": (_down, "end the cluster and delete its files"),
    "status": (_status, "whether it runs, how to reach it, where its logs are"),
    "figures": (_figures, "write what tests and demo measured to docs/benchmarks-kubernetes.md"),
    "images": (_images, "build Mizzen's images out of the tree and give them to the cluster"),
    "demo": (_demo, "install the platform; serve, shadow, shift and watch the flights model"),
    "kubeconfig": (_kubeconfig, "print the path of its kubeconfig"),
}

sys.exit(main(sys.argv[1:]))
