"""Conditions of a compiled pipeline, so written that kfp.local understands them too. Pure.

The compiler calls output KEY of task TASK `pipelinechannel--TASK-KEY`. Kubeflow looks the name up
among the inputs of the condition's group and takes any. kfp.local (2.17) takes the name apart
instead: it finds an output that is called `Output`, and `pipelinechannel--TASK--KEY`. Of any other
it warns "Could not resolve CEL parameter", skips the group and lets the pipeline succeed. Under
kfp.local a training would never register its model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_REFERENCE = re.compile(r"inputs\.parameter_values\['([^']+)'\]")


def name_outputs(component: dict[str, Any], task: dict[str, Any]) -> None:
    """Give the group's condition the outputs that it reads under clear names, as further inputs.

    Args:
        component: of the group; changed.
        task: the group's entry in the pipeline; changed. One without a condition stays as it is.
    """
    policy = task.get("triggerPolicy", {})
    if "condition" not in policy:
        return
    inputs = task.get("inputs", {}).get("parameters", {})
    definitions = component.get("inputDefinitions", {}).get("parameters", {})

    def clear(reference: re.Match[str]) -> str:
        name = _clear(inputs.get(reference[1], {}))
        if name is None:
            return reference[0]
        inputs[name] = deepcopy(inputs[reference[1]])
        definitions[name] = deepcopy(definitions[reference[1]])
        return f"inputs.parameter_values['{name}']"

    policy["condition"] = _REFERENCE.sub(clear, policy["condition"])


def _clear(source: Mapping[str, Any]) -> str | None:
    output = source.get("taskOutputParameter")
    if output is None:  # an input of the pipeline around it, which kfp.local finds by its name
        return None
    return f"pipelinechannel--{output['producerTask']}--{output['outputParameterKey']}"
