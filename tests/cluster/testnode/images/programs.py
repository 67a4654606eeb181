"""Images of the built programs that run in pods. `build` makes them, `addons` load them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from testnode.building import parts
from testnode.images.base import BASE
from testnode.images.store import build_image


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """One program, on nothing when it is static, else on the Python base."""

    program: str
    part: str = ""  # where it is not the program's name
    base: str = "scratch"
    place: str = ""  # where a chart insists on one

    @property
    def of_part(self) -> str:
        return self.part or self.program

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def repository(self) -> str:
        return f"mizzen.test/{self.program}"

    @property
    def tag(self) -> str:
        return parts.part(self.of_part).version

    def dockerfile(self) -> str:
        place = self.place or f"/usr/local/bin/{self.program}"
        return f"""\
ARG BASE_IMAGE
FROM ${{BASE_IMAGE}}
COPY {self.program} {place}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# by number: the kubelet cannot tell whether a user given by name is root
USER 65532
ENTRYPOINT ["{place}"]
"""


LOCAL_PATH = ProgramImage("local-path-provisioner")
METRICS_SERVER = ProgramImage("metrics-server")
ENVOY_GATEWAY = ProgramImage("envoy-gateway")
ENVOY = ProgramImage("envoy", base=BASE)  # it is linked to the C library
ARGO_CONTROLLER = ProgramImage("workflow-controller", part="argo-workflows")
ARGO_EXECUTOR = ProgramImage("argoexec", part="argo-workflows")
JOBSET = ProgramImage("jobset", place="/manager")
TRAINER = ProgramImage("trainer", place="/manager")
PROGRAM_IMAGES = (
    ProgramImage("pause"),
    LOCAL_PATH,
    METRICS_SERVER,
    ENVOY_GATEWAY,
    ENVOY,
    ARGO_CONTROLLER,
    ARGO_EXECUTOR,
    JOBSET,
    TRAINER,
)


def build_program_image(image: ProgramImage) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as dockerfile:
        dockerfile.write(image.dockerfile())
        dockerfile.flush()
        build_image(image.name, Path(dockerfile.name), parts.folder(image.of_part), base=image.base)
