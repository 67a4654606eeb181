"""Which environment variables a project's code sees, and what of them is kept.

Pure: environments and the salt are passed in. A bundle carries the document that `record` makes,
so the values that code was run with are part of its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from mizzen.errors import InvalidProject
from mizzen.spec.environment import Variable

# What tells a process about its machine: where programs, folders and certificates are, the
# language, how libraries use processors, and which services there are. Code sees it undeclared.
MACHINE = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME", "PWD", "TERM", "COLUMNS", "LINES"),
    *("TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE", "NO_COLOR", "VIRTUAL_ENV"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "DO_NOT_TRACK", "SOURCE_DATE_EPOCH"),
)
MACHINE_PREFIXES = (
    *("MIZZEN_", "LC_", "LD_", "XDG_", "SSL_", "PYTHON", "CONDA_", "MALLOC_"),
    *("OMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "VECLIB_", "POLARS_", "RAYON_", "ARROW_"),
    *("JE_ARROW_", "CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "NCCL_", "GLOO_", "TORCH", "PYTORCH_"),
    *("MASTER_", "HF_", "MPL"),
    *(
        "AWS_",
        "GOOGLE_",
        "AZURE_",
        "PG",
        "MLFLOW_",
        "FEAST_",
        "GX_",
        "DVC_",
        "BENTO",
        "KUBERNETES_",
    ),
    *("OTEL_", "PROMETHEUS_"),
)


def is_of_machine(name: str) -> bool:
    """Whether code sees a variable that its project does not declare."""
    return name in MACHINE or name.startswith(MACHINE_PREFIXES)


def record(
    variables: Sequence[Variable], environment: Mapping[str, str], salt: bytes
) -> dict[str, dict[str, str]]:
    """What a bundle keeps: name -> `{"value": ...}`, or `{"secret": <salted digest>}`.

    Raises:
        InvalidProject: a variable without default is not set.
    """
    return {variable.name: _kept(variable, environment, salt) for variable in variables}


def value_of(name: str, kept: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """The value of a recorded variable in the process that has this environment.

    Raises:
        InvalidProject: a secret is not set here.
    """
    if "value" in kept:
        return str(kept["value"])
    if name not in environment:
        raise _unset(name)
    return environment[name]


def digest_of_secret(name: str, value: str, salt: bytes) -> str:
    """What is kept of a secret; slow on purpose, so that a weak one is not found by trying."""
    salted = salt + name.encode()
    return hashlib.scrypt(
        value.encode("utf-8", "surrogateescape"), salt=salted, n=2**14, r=8, p=1
    ).hex()


def _kept(variable: Variable, environment: Mapping[str, str], salt: bytes) -> dict[str, str]:
    value = environment.get(variable.name, variable.default)
    if value is None:
        raise _unset(variable.name)
    if variable.secret:
        return {"secret": digest_of_secret(variable.name, value, salt)}
    return {"value": value}


def _unset(name: str) -> InvalidProject:
    return InvalidProject(
        f"the environment variable {name}, which the project's code reads, is not set",
        next_step=f"export {name}=..., or give it a `default` under `environment` in mizzen.yaml",
    )
