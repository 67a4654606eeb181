"""An S3 server over a folder, for tests that need its protocol and no cluster."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from testnode.building import parts
from testnode.errors import ClusterError
from testnode.spec import S3_REGION

BUCKET = "mizzen"


class S3Server:
    """Versitygw on a port of its own; buckets are folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "buckets"
        (self.folder / BUCKET).mkdir(parents=True)
        self.key, self.secret = "mizzen", secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = folder / "versitygw.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What reaches it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_REGION": S3_REGION,
        }

    def start(self) -> None:
        """Start, or start again with what it held."""
        argv = [str(parts.program("versitygw")), "--port", f"127.0.0.1:{self.port}"]
        argv += ["--region", S3_REGION, "posix", str(self.folder)]
        env = {**os.environ, "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise ClusterError(f"versitygw does not start: {self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Be away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def require_server() -> None:
    """Raises ClusterError when the program is not built."""
    if not parts.program("versitygw").exists():
        raise ClusterError("versitygw is not built", next_step="python tests/cluster build")
