"""Whatever ends the one who asked for a tool ends the tool, with everything it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import compline
from compline.tools.process import Aborted

if TYPE_CHECKING:
    from conftest import Program

HANG = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        break
time.sleep(600)
"""
STARTED = 4
"""The tool and its three daemons, at least; the sandbox's own processes carry the token too."""

CALLER = """
import sys, threading
from pathlib import Path
from compline.tools.process import ProcessLimits, run

def tool():
    run([*sys.argv[1:4], sys.argv[4]], limits=ProcessLimits(600, 512, 1), cwd=Path(sys.argv[5]))

if sys.argv[6] == "thread":
    thread = threading.Thread(target=tool)
    thread.start()
    thread.join()
else:
    tool()
"""


class TaskTimeout(BaseException):
    """Like Airflow's: raised by a signal handler, in the middle of anything, and no Exception."""


@pytest.fixture
def caller(program: Program) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a process of its own, in a group of its own, that runs the tool and waits for it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(where: str) -> subprocess.Popen[bytes]:
        python = str(Path(sys.executable).resolve())
        tool = [python, "-c", HANG, program.token, str(program.cwd), where]
        library = str(Path(compline.__file__).parent.parent)
        process = subprocess.Popen(
            [sys.executable, "-c", CALLER, *tool],
            env=os.environ | {"PYTHONPATH": library},
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        started.append(process)
        program.wait_until(lambda found: len(found) > STARTED)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("where", ["main", "thread"])
def test_kill_9_of_the_caller_leaves_nothing(
    program: Program, level: str, caller: Callable[[str], subprocess.Popen[bytes]], where: str
) -> None:
    process = caller(where)
    assert len(program.alive()) > STARTED
    process.kill()
    process.wait()
    assert program.wait_until(lambda found: not found) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_callers_group_leaves_nothing(
    program: Program,
    level: str,
    caller: Callable[[str], subprocess.Popen[bytes]],
    number: signal.Signals,
) -> None:
    """As Airflow's supervisor ends a task, and Ctrl-C a command."""
    process = caller("main")
    os.killpg(process.pid, number)
    process.wait(10)
    assert program.wait_until(lambda found: not found) == []


def test_kill_9_of_the_callers_group_leaves_nothing(
    program: Program, bubblewrap: None, caller: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    """With limits alone a daemon in a session of its own escapes this: sandbox.py says so."""
    process = caller("main")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert program.wait_until(lambda found: not found) == []


@contextmanager
def interrupt(when: Callable[[], object]) -> Iterator[None]:
    """Raises TaskTimeout in the main thread after `when` has returned in another.

    pytest-timeout owns the alarm clock, so another signal stands for Airflow's SIGALRM.
    """

    def handler(_number: int, _frame: object) -> None:
        raise TaskTimeout

    previous = signal.signal(signal.SIGUSR1, handler)

    def fire() -> None:
        when()
        os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=fire)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, previous)


def test_an_exception_out_of_a_signal_handler_leaves_nothing(program: Program, level: str) -> None:
    with (
        pytest.raises(TaskTimeout),
        interrupt(lambda: program.wait_until(lambda found: len(found) > STARTED)),
    ):
        program(HANG, seconds=60)
    assert program.alive() == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_at_whatever_moment_it_comes(program: Program, level: str) -> None:
    """While the pipes are made, between fork and execution, before the code is sent, after it.

    In the midst of Popen its object is lost, which is what the warning says; the process is not.
    """
    for step in range(16):
        with pytest.raises(TaskTimeout), interrupt(partial(time.sleep, step / 160)):
            program(HANG, seconds=60)
        assert program.wait_until(lambda found: not found, 5) == []


def test_a_supervisor_killed_from_outside_is_no_answer(program: Program, level: str) -> None:
    def kill() -> None:
        (first, *_) = program.wait_until(lambda found: len(found) > STARTED)
        os.kill(first, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(Aborted, match="killed from outside"):
        program(HANG, seconds=60)
    thread.join()
    assert program.wait_until(lambda found: not found) == []
