"""`make cluster-demo`: the platform on the node, a model served, shadowed, shifted and watched.

`tell` is the order of events; each event is a function of its own. The same events on a small
project are the test of the journey. What was made stays until `make cluster-down`; told again, it
goes on with what is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testnode import places
from testnode.eventually import eventually
from testnode.figures import timed
from testnode.images.mizzen import build_mizzen_images, image_name
from testnode.kubectl import Kubectl
from testnode.providers import choice
from testnode.providers.choice import Provider
from testnode.spec import POSTGRES_PORT, S3_PORT

from scenario.addresses import gateway_address
from scenario.laptop import Laptop, open_laptop
from scenario.load import Request
from scenario.release import CHARTS, Release
from scenario.stage import IMAGE, Stage, set_stage

IMAGES = ("control", "serving", "tabular")
ADDONS = ("metrics-server", "envoy-gateway")
Say = Callable[[str], None]


WEIGHTS = (10, 50)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Which project, how its versions are trained, what is sent to them."""

    example: str
    versions: tuple[tuple[str, ...], ...]  # words of `mizzen run` for each
    traffic: tuple[str, str]  # window of event times
    torch: bool = False  # served as ONNX, so that the serving image needs no torch
    views: bool = False  # features are looked up in the online store


FLIGHTS = Scenario(
    example="flights",
    versions=(
        # both take the same requests, so that a copy of one is a request to the other
        ("--from", "2013-01-01", "--until", "2013-07-01", "--set", "trainer.parameters.epochs=1"),
        ("--from", "2013-01-01", "--until", "2013-07-01"),
    ),
    traffic=("2013-07-01", "2013-07-08"),
    torch=True,
    views=True,
)


@dataclass(slots=True)
class Scene:
    """A platform that is installed, and who works with it."""

    stage: Stage
    platform: Release
    model: Release
    laptop: Laptop
    gateway: tuple[str, int]
    values: dict[str, Any] = field(default_factory=dict)  # of the model's release

    @property
    def address(self) -> str:
        """Of the model, through the gateway."""
        host, port = self.gateway
        return f"http://{host}:{port}/{self.model.name}"


def tell(provider: Provider, say: Say) -> None:
    """The whole story of the flights model."""
    prepare(provider, say)
    folder = places.REPORT / "demo"
    scene = install(provider.kubectl(), "mizzen", FLIGHTS, folder)
    host, port = scene.gateway
    say(f"the platform answers at http://{host}:{port} (API at /api/v1, MLflow at /mlflow)")
    first, second = train(scene, FLIGHTS)
    say(f"trained here, kept there: versions {first} and {second}")
    run_job(scene.stage, f"{scene.platform.name}-materialize-{FLIGHTS.example}")
    say(serve(scene, FLIGHTS, first))
    say(shadow(scene, second))
    say(f"a week of July through the gateway: {_told(replay(scene, FLIGHTS.traffic))}")
    say(f"once the log is shipped: {_told(shipped(scene, FLIGHTS.traffic))}")
    for weight in WEIGHTS:
        change(scene, candidate={"weight": weight, "mirror": False})
        say(f"weight {weight}: of 1,000 requests {_told(shares(scene))}")
    change(scene, model={"version": second}, candidate={"version": None, "weight": 0})
    say(f"version {second} is the stable one: of 1,000 requests {_told(shares(scene))}")
    for window in watch(scene, FLIGHTS):
        say(f"watched until {window['end']}: {_told(window['figures'])}")
    say(f"it stays up: curl {scene.address}/readyz; make cluster-down ends it")


def prepare(provider: Provider, say: Say) -> None:
    """The node, its add-ons and the images."""
    say(provider.up())
    for name in ADDONS:
        choice.add(provider, name)
    with timed("demo: images built and loaded"):
        build_mizzen_images(IMAGES, say)
        for name in IMAGES:
            provider.load_image(image_name(name))


def install(kubectl: Kubectl, namespace: str, scenario: Scenario, folder: Path) -> Scene:
    """`helm install mizzen charts/mizzen -f charts/mizzen/profiles/dev.yaml`, and a laptop."""
    stage = set_stage(kubectl, namespace)
    platform = stage.release()
    values = stage.values()
    values["projects"] = [{"name": scenario.example}]
    values["jobs"] = {
        "image": IMAGE,
        "materialize": {"enabled": scenario.views, "schedule": "@daily"},
    }
    with timed("platform: helm install to all Ready"):
        platform.apply(values, f"--values={platform.chart}/profiles/dev.yaml")
    host, port = gateway_address(kubectl, namespace)
    laptop = open_laptop(
        stage, scenario.example, folder / scenario.example, f"http://{host}:{port}"
    )
    model = Release(CHARTS / "mizzen-model", scenario.example, namespace, kubectl)
    return Scene(stage, platform, model, laptop, (host, port))


def train(scene: Scene, scenario: Scenario) -> list[int]:
    """The versions' numbers; each can be served without torch. Those that are there stay: a gate
    would not bless the first one again, now that it has a better one to judge it by."""
    known = [int(version["number"]) for version in _versions(scene)]
    for words in scenario.versions[len(known) :]:
        known.append(int(scene.laptop.mizzen("run", *words)["version"]))
        if scenario.torch:
            scene.laptop.mizzen("models", "export", str(known[-1]))
    return known[: len(scenario.versions)]


def _versions(scene: Scene) -> list[dict[str, Any]]:
    """What the control API knows of the project; nothing before its first run."""
    found: list[dict[str, Any]] = scene.laptop.mizzen("models", "list")["versions"]
    return found


def serve(scene: Scene, scenario: Scenario, version: int) -> str:
    """`helm install` of the model's chart; what it notes."""
    scene.values = {
        "model": {"version": version},
        "image": IMAGE,
        "log": {"ship": {"to": f"s3://{scene.stage.bucket}/predictions"}},
        "s3": {"secret": "mizzen-s3"},
        "features": {"store": "postgres", "secret": "mizzen-postgres"} if scenario.views else {},
        "network": _network(scene.gateway[0]),
    }
    with timed("model: helm install to all Ready"):
        return scene.model.apply(scene.values, f"--values={scene.model.chart}/profiles/dev.yaml")


def change(scene: Scene, **values: Mapping[str, Any]) -> str:
    """`helm upgrade` with some values changed; what it notes."""
    for section, fields in values.items():
        scene.values[section] = {**scene.values.get(section, {}), **fields}
    return scene.model.upgrade(scene.values, f"--values={scene.model.chart}/profiles/dev.yaml")


def shadow(scene: Scene, version: int) -> str:
    """Copy every request to a candidate; what Helm notes. Returns once that is in force: the
    route leads to the candidate who asks for it from the same moment on."""
    noted = change(scene, candidate={"version": version, "mirror": True})
    asked = Request(
        scene.gateway,
        f"/{scene.model.name}/readyz",
        lambda body: str(json.loads(body)["version"]),
        headers={"x-mizzen-version": "candidate"},
    )
    eventually(lambda: asked.once() == str(version))
    return noted


def replay(scene: Scene, window: tuple[str, str]) -> dict[str, Any]:
    """Past rows as traffic through the gateway; the counts."""
    start, end = window
    words = ("replay", "--from", start, "--until", end, "--service", scene.address)
    counts: dict[str, Any] = scene.laptop.mizzen(*words)
    return counts


def shipped(scene: Scene, window: tuple[str, str]) -> dict[str, Any]:
    """The counts again, once all that was sent can be read from S3: nothing is sent twice."""

    def counted() -> dict[str, Any] | None:
        counts = replay(scene, window)
        return counts if counts["logged"] == counts["rows"] else None

    return eventually(counted)


def shares(scene: Scene, requests: int = 1000) -> Counter[str]:
    """How many requests each version answers."""
    read = lambda body: f"version {json.loads(body)['version']}"  # noqa: E731
    return Request(scene.gateway, f"/{scene.model.name}/readyz", read).times(requests)


def watch(scene: Scene, scenario: Scenario) -> list[dict[str, Any]]:
    """Run the drift CronJob now; the windows that the control API then knows."""
    run_job(scene.stage, f"{scene.platform.name}-drift-{scenario.example}")
    windows: list[dict[str, Any]] = scene.laptop.mizzen("windows")["windows"]
    return windows


def run_job(stage: Stage, cronjob: str, within_s: int = 300) -> str:
    """Start a CronJob by hand and wait for its end; what it printed."""
    kubectl, where = stage.kubectl, f"--namespace={stage.namespace}"
    name = f"{cronjob}-by-hand"
    kubectl.run("delete", "job", name, where, "--ignore-not-found")
    kubectl.run("create", "job", name, f"--from=cronjob/{cronjob}", where)
    kubectl.wait("condition=Complete", f"job/{name}", where, within_s=within_s)
    return kubectl.run("logs", f"job/{name}", where)


def _network(node: str) -> dict[str, Any]:
    """S3, PostgreSQL and DNS are processes of the node, so policies name its address."""
    return {
        "dns": {"cidr": f"{node}/32"},
        "s3": [{"cidr": f"{node}/32", "port": S3_PORT}],
        "features": [{"cidr": f"{node}/32", "port": POSTGRES_PORT}],
    }


def _told(figures: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in figures.items() if isinstance(value, int | float | str)}
    return ", ".join(f"{name} {value}" for name, value in plain.items())
