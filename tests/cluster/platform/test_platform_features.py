"""Features on their way: trained with, put online by the CronJob, served by Feast."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenario.addresses import gateway_address
from scenario.inside import python_in
from scenario.laptop import Laptop, open_laptop
from scenario.stage import IMAGE, Stage
from scenario.story import run_job
from testnode.eventually import eventually

from mizzen.adapters.bundle import load_function

PLANES = ["N14228", "N24211", "no such aircraft"]
MONTH = ("--from", "2013-06-01", "--until", "2013-07-01")
# one month teaches too little to be served, and enough to be asked for its features
QUICK = (
    "--set",
    "split.test=7d",
    "--set",
    "trainer.parameters.epochs=1",
    "--set",
    "gate.floor=0.5",
)


def test_the_feature_server_answers_what_the_cronjob_put_online(
    policies: None, stage: Stage, with_image: Callable[[str], str], tmp_path: Path
) -> None:
    with_image("tabular")
    release = stage.release()
    release.install(values(stage), f"--values={release.chart}/profiles/dev.yaml")
    host, port = gateway_address(stage.kubectl, stage.namespace)
    laptop = open_laptop(stage, "flights", tmp_path / "flights", f"http://{host}:{port}")
    eventually(lambda: laptop.mizzen("models", "list"))
    laptop.mizzen("run", *MONTH, *QUICK)
    assert "entities of version 1" in run_job(stage, "mizzen-materialize-flights")

    wanted = {"tailnum": PLANES, **aircraft(laptop)}
    # the server looks at its registry once a minute
    answer = eventually(lambda: asked(stage, view_name(stage)), within_s=120)
    assert {column: answer[column] for column in wanted} == wanted


def aircraft(laptop: Laptop) -> dict[str, list[float | None]]:
    """Age and seats of the aircraft, by the tables of the project."""
    tables = load_function(laptop.folder, "data:load")()
    of = tables["planes"].set_index("tailnum").loc
    known = PLANES[:2]
    return {
        "aircraft_age": [2013 - float(of[plane, "year"]) for plane in known] + [None],
        "seats": [float(of[plane, "seats"]) for plane in known] + [None],
    }


def asked(stage: Stage, view: str) -> dict[str, list[Any]]:
    """What a pod of the namespace is told, by column."""
    question = {
        "features": [f"{view}:{column}" for column in ("aircraft_age", "seats")],
        "entities": {"tailnum": PLANES},
    }
    program = (
        "import sys, urllib.request as r; print(r.urlopen(r.Request("
        "'http://mizzen-features:6566/get-online-features', sys.argv[1].encode(), "
        "{'Content-Type': 'application/json'})).read().decode())"
    )
    where = ("deployment/mizzen-features", stage.namespace)
    told = json.loads(python_in(stage.kubectl, *where, program, json.dumps(question)))
    names = told["metadata"]["feature_names"]
    return {n: r["values"] for n, r in zip(names, told["results"], strict=True)}


def server(stage: Stage) -> tuple[str, ...]:
    return "deployment/mizzen-features", "--namespace", stage.namespace


def view_name(stage: Stage) -> str:
    """The name in Feast, which carries the view's version."""
    words = ("python", "-m", "feast.cli.cli", "--chdir=/config", "feature-views", "list")
    listed = stage.kubectl.run("exec", *server(stage), "--", *words)
    return next(word for word in listed.split() if word.startswith("aircraft_"))


def values(stage: Stage) -> dict[str, Any]:
    given = stage.values()
    given["features"] = {**given["features"], "enabled": True}
    given["projects"] = [{"name": "flights"}]
    given["jobs"] = {"image": IMAGE, "materialize": {"enabled": True, "schedule": "@daily"}}
    return given
