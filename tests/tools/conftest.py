"""Hostile programs, both levels of confinement, and one workspace with real tools."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from compline.tools import sandbox
from compline.tools.process import Finished, ProcessLimits, run
from compline.tools.toolbox import Toolbox

PYTHON = Path(sys.executable).resolve()


@pytest.fixture(params=[sandbox.BUBBLEWRAP, sandbox.LIMITS])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each level in turn; bubblewrap only where the machine lets it."""
    if request.param == sandbox.LIMITS:
        monkeypatch.setenv(sandbox.SWITCH, "off")
    elif sandbox.confinement().level != sandbox.BUBBLEWRAP:
        pytest.skip(sandbox.confinement().reason)
    return str(request.param)


@pytest.fixture
def bubblewrap() -> None:
    """For what only the sandbox can hold back."""
    if sandbox.confinement().level != sandbox.BUBBLEWRAP:
        pytest.skip(sandbox.confinement().reason)


@dataclass
class Program:
    """Runs Python source as a tool; all its processes carry one token in their arguments."""

    cwd: Path
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(
        self,
        source: str,
        *,
        seconds: float = 20,
        memory_mb: int = 512,
        output_mb: int = 4,
        file_mb: int = 64,
        processes: int = 64,
        **options: object,
    ) -> Finished:
        limits = ProcessLimits(seconds, memory_mb, output_mb, file_mb, processes)
        arguments = {"limits": limits, "cwd": self.cwd, **options}
        return run([PYTHON, "-c", source, self.token], **arguments)  # type: ignore[arg-type]

    def alive(self) -> list[int]:
        """Processes that carry the token now, sandbox and supervisor included."""
        found = []
        for process in psutil.process_iter():
            try:
                if self.token in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found

    def wait_until(self, wanted: Callable[[list[int]], bool], seconds: float = 10) -> list[int]:
        """Polls until the processes are as wanted; gives them as last seen."""
        deadline = time.monotonic() + seconds
        while not wanted(found := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A way to run hostile programs, in a directory of their own."""
    cwd = tmp_path / "given"
    cwd.mkdir()
    return Program(cwd)


@dataclass(frozen=True)
class Installed:
    """A workspace in which two installers have met."""

    workspace: Path
    progress: list[str]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The real bandit and the real trivy, installed by two at once."""
    workspace = tmp_path_factory.mktemp("workspace")
    progress: list[str] = []
    failures: list[BaseException] = []

    def install() -> None:
        try:
            Toolbox(workspace).install(["bandit", "trivy"], progress.append)
        except BaseException as error:  # It is reported in the main thread.
            failures.append(error)

    path = os.environ["PATH"]
    os.environ["PATH"] = "/usr/bin:/bin"  # No trivy of this machine's own.
    try:
        threads = [threading.Thread(target=install) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os.environ["PATH"] = path
    assert not failures
    return Installed(workspace, progress)


@pytest.fixture
def no_own_trivy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH without any trivy but those that the test puts into the directory given."""
    directory = tmp_path / "path"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.delenv("COMPLINE_TRIVY", raising=False)
    return directory
