"""The lock between processes and threads, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from compline.source.errors import SourceError
from compline.source.lock import locked

_HOLD = """
import subprocess, sys, time
from pathlib import Path
from compline.source.lock import locked
with locked(Path(sys.argv[1]), 5) as descriptor:
    print("held", flush=True)
    {meanwhile}
    time.sleep(60)
"""
_START = """
    print(subprocess.Popen(["sleep", "60"], pass_fds=[descriptor], stdout=2).pid, flush=True)
"""


def _holder(path: Path, meanwhile: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD.format(meanwhile=meanwhile), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_waited_for_and_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _holder(path) as holder:
        says = f"in use by process {holder.pid} .*end it"
        with pytest.raises(SourceError, match=says), locked(path, 0.2):
            pass
        holder.kill()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_process(tmp_path: Path, end: signal.Signals) -> None:
    path = tmp_path / "lock"
    with _holder(path) as holder:
        holder.send_signal(end)
        holder.wait()
        with locked(path, 1):
            assert path.read_text() == str(os.getpid())


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with locked(tmp_path / "lock", 20):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_child_that_inherits_it_keeps_it(tmp_path: Path) -> None:
    """A git that lost its parent goes on writing: nobody may write beside it."""
    path = tmp_path / "lock"
    with _holder(path, _START) as holder:
        assert holder.stdout
        child = int(holder.stdout.readline())
        holder.kill()
        holder.wait()
    with pytest.raises(SourceError, match="in use"), locked(path, 0.2):
        pass
    os.kill(child, signal.SIGKILL)
    with locked(path, 1):
        pass


def test_a_fork_of_ours_does_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, 1):
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
    try:
        with locked(path, 0.2):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), locked(tmp_path / "lock", 1):
        pass
    assert not (tmp_path / "elsewhere").exists()
