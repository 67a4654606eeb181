"""`python -m mizzen.control.stack.supervisor FOLDER PROFILE LOCK`: keeps the stack running.

`up` starts it; it holds the service's socket, starts the page, the controller and the service,
starts them again when they crash, and makes the service follow the champion of the state. SIGTERM
ends everything. What it knows it writes to `status.json`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from mizzen.control.stack import serving
from mizzen.control.stack.child import Child
from mizzen.control.stack.files import StackFiles
from mizzen.control.stack.page import page_of
from mizzen.control.stack.probes import ask, listen
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.errors import MizzenError, TemporaryError
from mizzen.state.records import ServedVersion
from mizzen.streams import guard_streams

TICK_SECONDS = 0.25
START_SECONDS = 120.0
STOP_SECONDS = 45.0


class Supervisor:
    """The life of one stack."""

    def __init__(self, workspace: Workspace, lock: int) -> None:
        self._workspace, self._lock = workspace, lock
        self._files = StackFiles(workspace)
        where = workspace.place.profile.serving
        self._listener = listen(where.host, where.port, "the service", "serving.port")
        self._host, self._port = where.host, int(self._listener.getsockname()[1])
        self._page: Child | None = None
        self._service: Child | None = None
        self._controller: Child | None = None
        self._version: int | None = None
        self._refused: int | None = None
        self._status: dict[str, Any] = {"pid": os.getpid(), "page": {}, "service": {}}
        self.stopping = False

    def run(self) -> None:
        """Until told to stop."""
        try:
            self._start_page()
            self._start_controller()
            while not self.stopping:
                self._follow()
                self._keep()
                self._files.write_status(self._status)
                time.sleep(TICK_SECONDS)
        finally:
            self._stop()

    def _start_page(self) -> None:
        page = page_of(self._workspace)
        started = page.command is not None
        self._status["page"] = {
            "address": page.address,
            "started": started,
            "ready": not started and page.address is not None,  # somebody else's page
            "why": page.why,
        }
        if page.command is not None:
            log = self._files.folder / "page.log"
            self._page = Child("page", page.command, page.environment, log, [self._lock])

    def _start_controller(self) -> None:
        folder, profile = str(self._workspace.folder), self._workspace.profile
        words = ["mizzen.control.controller", folder, profile, str(os.getpid())]
        command = [sys.executable, "-P", "-m", *words]
        log = self._files.folder / "controller.log"
        self._controller = Child("controller", command, {}, log, [self._lock])

    def _follow(self) -> None:
        try:
            champion = self._workspace.state.models.champion(self._workspace.spec.name)
        except TemporaryError:  # a state that is away stops no service
            return
        wanted = None if champion is None else champion.version
        if wanted is None or wanted in {self._version, self._refused}:
            return
        try:
            fresh = self._start_service(wanted)
        except MizzenError as error:
            self._refused = wanted
            self._status["service"] |= {"refused": wanted, "error": str(error)}
            return
        old, self._service, self._version = self._service, fresh, wanted
        self._refused = None
        if old is not None:  # said only when no request can reach the old version any more
            old.stop(STOP_SECONDS)
        address = f"http://{self._host}:{self._port}"
        served = ServedVersion(
            self._workspace.spec.name, wanted, address, fresh.pid, datetime.now(UTC)
        )
        with suppress(TemporaryError):
            self._workspace.state.monitoring.set_served(served)
        self._status["service"] = {"address": address, "version": wanted, "ready": True}
        self._files.write_status(self._status)

    def _start_service(self, version: int) -> Child:
        package = serving.package_of(self._workspace, version)
        command = serving.command(package, version, self._host, self._port, self._listener.fileno())
        command += serving.door_words(self._workspace)
        log = self._files.folder / "service.log"
        environment = self._workspace.place.to_environment()
        inherited = [self._lock, self._listener.fileno()]
        child = Child("service", command, environment, log, inherited)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and child.process.poll() is None and not self.stopping:
            # the old version listens on the same socket: ask until the new one answers
            answer = ask(f"http://{self._host}:{self._port}/readyz")
            if answer is not None and answer.get("version") == version:
                return child
            time.sleep(0.05)
        child.stop(STOP_SECONDS)
        raise MizzenError(f"version {version} did not start", given=child.last_words())

    def _keep(self) -> None:
        now = time.monotonic()
        if self._page is not None:
            self._keep_page(self._page, self._status["page"], now)
        if self._controller is not None:
            running = self._controller.keep(now)
            self._status["controller"] = {"pid": self._controller.pid, "running": running}
        if self._service is not None:
            self._status["service"]["ready"] = self._service.keep(now)
            self._status["service"]["pid"] = self._service.pid

    def _keep_page(self, child: Child, page: dict[str, Any], now: float) -> None:
        if not child.keep(now):
            page |= {"ready": False, "why": f"MLflow's page ended: {child.last_words(1)}"}
        elif not page["ready"] and ask(f"{page['address']}/health") is not None:
            page |= {"ready": True, "why": ""}
            child.well()

    def _stop(self) -> None:
        self._listener.close()
        for child in (self._controller, self._service, self._page):
            if child is not None:
                child.stop(STOP_SECONDS)
        with suppress(TemporaryError):
            self._workspace.state.monitoring.clear_served(self._workspace.spec.name)
        self._files.clear()


def main(folder: str, profile: str, lock: str) -> int:
    """Supervise until SIGTERM."""
    try:
        supervisor = Supervisor(open_workspace(Path(folder), profile), int(lock))
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code

    def leave(_number: int, _frame: FrameType | None) -> None:
        supervisor.stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    supervisor.run()
    return 0


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(*sys.argv[1:4]))
