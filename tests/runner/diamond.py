"""Small pipelines with every construct that plans know.

Used by the tests of the reader and, under both runners, by the oracle. No postponed
annotations: KFP reads them.
"""

from typing import NamedTuple

from kfp import dsl

IMAGE = "mizzen/core:test"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def make(number: int, options: dict, frame: dsl.Output[dsl.Dataset]) -> NamedTuple(
    "Made", [("rows", int), ("share", float), ("name", str), ("fine", bool)]
):
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("diamond_steps:plain_make", arguments)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def double(number: int, frame: dsl.Input[dsl.Dataset], part: dsl.Output[dsl.Dataset]) -> int:
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("diamond_steps:plain_double", arguments)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def join(left: dsl.Input[dsl.Dataset], right: dsl.Input[dsl.Dataset], text: str, total: int) -> str:
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("diamond_steps:plain_join", arguments)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def note(text: str = "nothing") -> str:
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("diamond_steps:plain_note", arguments)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def score(value: str) -> float:
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("diamond_steps:plain_score", arguments)


def named(task: dsl.PipelineTask, function: str) -> dsl.PipelineTask:
    return task.set_env_variable("MIZZEN_STEP", f"diamond_steps:{function}")


@dsl.pipeline(name="diamond")
def diamond(number: int = 3, who: str = "you") -> str:
    made = named(make(number=number, options={"depth": 3, "rate": 0.5}), "plain_make")
    frame = made.outputs["frame"]
    left = named(double(number=made.outputs["rows"], frame=frame), "plain_double")
    right = named(double(number=10, frame=frame), "plain_double")
    joined = named(
        join(
            left=left.outputs["part"],
            right=right.outputs["part"],
            text=f"for {who}: {made.outputs['name']}",
            total=right.outputs["Output"],
        ),
        "plain_join",
    )
    with dsl.If(made.outputs["fine"] == True):  # noqa: E712 (the DSL's form)
        yes = named(note(text=joined.output), "plain_note")
        with dsl.If(made.outputs["share"] > 10.0):
            named(note(), "plain_note")
    with dsl.Elif(made.outputs["rows"] == 2):
        two = named(note(text="two"), "plain_note")
    with dsl.Else():
        no = named(note(text=made.outputs["name"]), "plain_note")
    chosen = dsl.OneOf(yes.output, two.output, no.output)
    last = named(note(text=chosen), "plain_note")
    return last.output


@dsl.pipeline(name="judged")
def judged(value: str = "nan") -> None:
    scored = named(score(value=value), "plain_score")
    with dsl.If(scored.output > 0.5):
        named(note(text="passed"), "plain_note")


@dsl.pipeline(name="gated")
def gated(number: int = 3) -> None:
    made = named(make(number=number, options={}), "plain_make")
    with dsl.If(made.outputs["fine"] == True):  # noqa: E712 (the DSL's form)
        named(note(text="fine"), "plain_note")


@dsl.pipeline(name="looped")
def looped() -> None:
    with dsl.ParallelFor(items=["a", "b", "c"], parallelism=2) as item:
        named(note(text=item), "plain_note")
