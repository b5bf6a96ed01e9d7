"""A child of ours: fed, read, limited, and ended with its whole family."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from compline.source.errors import SourceError
from compline.source.process import Bounds, OutOfTime, OutputTooLarge, Process, run

_PATH = {"PATH": os.environ["PATH"]}


def _python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def _gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_feeds_and_reads_more_than_a_pipe_holds() -> None:
    data = os.urandom(3_000_000)
    finished = run(["cat"], environment=_PATH, bounds=Bounds(30), stdin=data)
    assert (finished.returncode, finished.stdout == data) == (0, True)


def test_keeps_the_end_of_a_flood_of_errors() -> None:
    code = "import sys; sys.stderr.write('x' * 1_000_000 + 'the end'); sys.exit(3)"
    finished = run(_python(code), environment=_PATH, bounds=Bounds(30))
    assert finished.returncode == 3
    assert len(finished.stderr) < 100_000
    assert finished.stderr.endswith(b"the end")


def test_a_child_that_does_not_read_is_no_error_of_ours() -> None:
    finished = run(["true"], environment=_PATH, bounds=Bounds(30), stdin=b"x" * 1_000_000)
    assert finished.returncode == 0


def test_a_flood_of_output_is_stopped() -> None:
    with pytest.raises(OutputTooLarge, match="more than 1000 bytes"):
        run(["yes"], environment=_PATH, bounds=Bounds(30), output_limit=1000)


def test_a_missing_program_says_so() -> None:
    with pytest.raises(SourceError, match=r"no-such-program cannot be started .*put it on PATH"):
        run(["no-such-program"], environment=_PATH, bounds=Bounds(1))


def test_sees_only_the_environment_given() -> None:
    assert run(["env"], environment={"A": "1"} | _PATH, bounds=Bounds(30)).stdout.split() == [
        b"A=1",
        b"PATH=" + os.environ["PATH"].encode(),
    ]


# A grandchild in a session of its own, and one whose parent has gone.
_FAMILY = """
import os, subprocess, sys, time
own = subprocess.Popen(["sleep", "60"], start_new_session=True)
if (middle := os.fork()) == 0:
    orphan = subprocess.Popen(["sleep", "60"])
    print(orphan.pid, flush=True)
    os._exit(0)
os.waitpid(middle, 0)
print(own.pid, os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["time", "abandoned"])
def test_the_whole_family_ends(how: str) -> None:
    output = b""
    began = time.monotonic()
    with Process(_python(_FAMILY), environment=_PATH, bounds=Bounds(3)) as process:
        while output.count(b"\n") < 2:
            output += process.read()
        if how == "time":
            with pytest.raises(OutOfTime, match="longer than the 3 s allowed"):
                process.wait()
    pids = [int(word) for word in output.split()]
    assert len(pids) == 3
    assert all(_gone(pid) for pid in pids)
    # By us, not because their minute was over.
    assert time.monotonic() - began < 40


def test_the_readers_own_time_does_not_count() -> None:
    with Process(["cat"], environment=_PATH, bounds=Bounds(0.5)) as process:
        process.write(b"x")
        assert process.read() == b"x"
        time.sleep(0.7)
        process.write(b"y")
        assert process.read() == b"y"
        process.finish_input()
        assert process.wait() == 0


def test_largest_file_and_memory_are_limited(tmp_path: Path) -> None:
    bounds = Bounds(30, file_bytes=10_000)
    target = tmp_path / "large"
    finished = run(
        ["dd", "if=/dev/zero", f"of={target}", "bs=1000", "count=1000"],
        environment=_PATH,
        bounds=bounds,
    )
    assert finished.returncode != 0
    assert target.stat().st_size <= 10_000
    code = "x = bytearray(1 << 30)"
    assert run(_python(code), environment=_PATH, bounds=Bounds(30)).returncode == 0
    bounds = Bounds(30, memory_bytes=1 << 29)
    assert run(_python(code), environment=_PATH, bounds=bounds).returncode != 0


def test_it_runs_outside_every_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["pwd"], environment=_PATH, bounds=Bounds(30)).stdout == b"/\n"


def test_no_descriptor_stays_open() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    tries: list[Callable[[], object]] = [
        lambda: run(["true"], environment=_PATH, bounds=Bounds(30)),
        lambda: run(["yes"], environment=_PATH, bounds=Bounds(30), output_limit=10),
        lambda: run(["no-such-program"], environment=_PATH, bounds=Bounds(30)),
    ]
    before = count()
    for attempt in tries * 3:
        try:
            attempt()
        except SourceError:
            continue
    assert count() == before
