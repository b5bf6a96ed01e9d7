"""Hostile programs that use too much, or that do not want to end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from compline.tools import supervise
from compline.tools.process import Aborted, OutputTooLarge, TimedOut

if TYPE_CHECKING:
    from conftest import Program

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
DAEMON = """
import os, sys, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        time.sleep(600)
"""


def test_a_hanging_tool_that_ignores_sigterm_is_ended(program: Program, level: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"longer than 0\.8 s"):
        program(f"{STUBBORN}time.sleep(600)", seconds=0.8)
    assert time.monotonic() - started < 4
    assert program.alive() == []


def test_a_tool_that_hangs_with_its_output_closed_is_ended(program: Program, level: str) -> None:
    with pytest.raises(TimedOut):
        program("import os, time; os.close(1); os.close(2); time.sleep(600)", seconds=0.8)
    assert program.alive() == []


def test_daemons_die_with_the_tool_that_hangs(program: Program, level: str) -> None:
    with pytest.raises(TimedOut):
        program(f"{DAEMON}{STUBBORN}\nfor _ in range(5): daemon()\ntime.sleep(600)", seconds=0.8)
    assert program.alive() == []


def test_daemons_die_with_the_tool_that_ends(program: Program, level: str) -> None:
    """They hold its output open too, which must not keep us."""
    started = time.monotonic()
    done = program(f"{DAEMON}\nfor _ in range(5): daemon()\nprint('done')")
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert time.monotonic() - started < 5
    assert program.alive() == []


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_of_output_is_cut_off(program: Program, level: str, stream: int) -> None:
    source = f"import os\nwhile True: os.write({stream}, b'x' * 65536)"
    with pytest.raises(OutputTooLarge, match="4 MB"):
        program(source)
    assert program.alive() == []


def test_output_up_to_the_limit_is_kept(program: Program, level: str) -> None:
    done = program("import sys; sys.stdout.write('x' * (1 << 20))", output_mb=1)
    assert len(done.stdout) == 1 << 20
    with pytest.raises(OutputTooLarge):
        program("import sys; sys.stdout.write('x' * (1 << 20)); sys.stderr.write('x')", output_mb=1)


def test_a_memory_eater_is_stopped_within_a_second(program: Program, level: str) -> None:
    source = """
import time
kept = []
with open("log", "w", buffering=1) as log:
    while True:
        kept.append(b"x" * (8 << 20))
        print(len(kept) * 8, time.time(), file=log)
"""
    with pytest.raises(Aborted, match="more than 256 MB"):
        program(source, memory_mb=256, writable=[program.cwd])
    rows = [line.split() for line in (program.cwd / "log").read_text().splitlines()[:-1]]
    over = [float(when) for size, when in rows if int(size) > 256]
    assert not over or over[-1] - over[0] < 1
    assert program.alive() == []


def test_memory_is_counted_over_all_children(program: Program, level: str) -> None:
    source = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        break
kept = bytearray(b"x" * (80 << 20))
time.sleep(600)
"""
    with pytest.raises(Aborted, match="more than 256 MB"):
        program(source, memory_mb=256)
    assert program.alive() == []


def test_memory_that_children_share_is_counted_once(program: Program, level: str) -> None:
    """As semgrep's workers do: 5 x 120 MB by the simple count, and less than 256 MB in truth."""
    source = """
import os, time
kept = bytearray(b"x" * (120 << 20))
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
for _ in range(4):
    os.wait()
print("done")
"""
    assert program(source, memory_mb=256).stdout == b"done\n"


def test_a_fork_bomb_is_stopped(program: Program, level: str) -> None:
    # Everyone forks, nine times over: bounded, should the limit not work.
    source = "import os, time\nfor _ in range(9): os.fork()\ntime.sleep(20)"
    with pytest.raises(Aborted, match="more than 40 processes"):
        program(source, processes=40)
    assert program.alive() == []


def test_processes_up_to_the_limit_may_run(program: Program, level: str) -> None:
    source = """
import os, time
for _ in range(30):
    if os.fork() == 0:
        time.sleep(0.3)
        os._exit(0)
for _ in range(30):
    os.wait()
print("done")
"""
    assert program(source, processes=40).stdout == b"done\n"


def test_a_huge_file_is_cut_off(program: Program, level: str) -> None:
    source = """
with open("big", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
"""
    with pytest.raises(Aborted, match="SIGXFSZ"):
        program(
            f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n{source}",
            file_mb=3,
            writable=[program.cwd],
        )
    assert (program.cwd / "big").stat().st_size == 3 << 20
    assert program(source, file_mb=2, writable=[program.cwd]).returncode == 1  # Python's OSError.
    assert (program.cwd / "big").stat().st_size == 2 << 20
    assert program.alive() == []


def test_no_core_is_dumped(program: Program, level: str) -> None:
    source = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    assert program(source).stdout == b"(0, 0)\n"


def test_the_tool_goes_first_when_the_machine_runs_out_of_memory(
    program: Program, level: str
) -> None:
    assert program("print(open('/proc/self/oom_score_adj').read())").stdout.strip() == b"1000"


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGSTOP", "SIGINT", "SIGTERM"])
def test_a_tool_that_attacks_its_supervisor_gains_no_answer(
    program: Program, level: str, signal_name: str
) -> None:
    source = f"""
import os, signal, time
print("nothing found", flush=True)
os.kill(os.getppid(), signal.{signal_name})
time.sleep(600)
"""
    with pytest.raises((Aborted, TimedOut)):
        program(source, seconds=1.5)
    assert program.wait_until(lambda found: not found) == []


def test_descendants_are_found_without_the_kernels_list_of_children(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some kernels are built without it."""
    import subprocess

    process = subprocess.Popen(["/bin/sh", "-c", "sleep 600 & sleep 600"])
    try:
        while len(found := supervise.descendants(process.pid)) < 2:
            time.sleep(0.01)

        def unknown(_pid: int) -> list[int]:
            raise FileNotFoundError

        monkeypatch.setattr(supervise, "_children", unknown)
        assert sorted(supervise.descendants(process.pid)) == sorted(found)
    finally:
        supervise.end_all(process.pid)
        process.kill()
        process.wait()
