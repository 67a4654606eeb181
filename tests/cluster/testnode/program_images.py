"""Images of the built programs that run in pods. `build` makes them, `addons` load them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from testnode import parts
from testnode.base_image import BASE
from testnode.images import build_image


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """One program, on nothing when it is static, else on the Python base."""

    part: str
    base: str = "scratch"

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def repository(self) -> str:
        return f"mizzen.test/{self.part}"

    @property
    def tag(self) -> str:
        return parts.part(self.part).version

    def dockerfile(self) -> str:
        return f"""\
ARG BASE_IMAGE
FROM ${{BASE_IMAGE}}
COPY {self.part} /usr/local/bin/{self.part}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# by number: the kubelet cannot tell whether a user given by name is root
USER 65532
ENTRYPOINT ["/usr/local/bin/{self.part}"]
"""


LOCAL_PATH = ProgramImage("local-path-provisioner")
METRICS_SERVER = ProgramImage("metrics-server")
ENVOY_GATEWAY = ProgramImage("envoy-gateway")
ENVOY = ProgramImage("envoy", base=BASE)  # it is linked to the C library
PROGRAM_IMAGES = (ProgramImage("pause"), LOCAL_PATH, METRICS_SERVER, ENVOY_GATEWAY, ENVOY)


def build_program_image(image: ProgramImage) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as dockerfile:
        dockerfile.write(image.dockerfile())
        dockerfile.flush()
        build_image(image.name, Path(dockerfile.name), parts.folder(image.part), base=image.base)
