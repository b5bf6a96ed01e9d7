"""The parent of one tool process: starts it within its limits and outlives none of its children.

Run by process.py as a program of its own, inside the sandbox as process 1 of its namespace, else
as a child subreaper; so every descendant, however often it
forked away, stays below it. It ends them all when the tool ends, when a limit is passed, and
when the control pipe closes: which it does when the process that asked for the tool wants to
stop, or was killed with signal 9.

Only the standard library, and of that only what imports in a millisecond: each tool pays for it.
"""

# pathlib takes longer to import than the rest of this program to run.
# ruff: noqa: PTH110, PTH123, PTH208

from __future__ import annotations

import errno
import os
import resource
import select
import sys
import time

# The C half of `signal`: the module itself pulls in enum, which costs more than all the rest.
from _signal import SIG_DFL, SIG_IGN, signal  # type: ignore[import-not-found]

TICK, QUICK_TICK = 0.05, 0.01
"""Seconds between two looks at memory and number of processes; the shorter once there are many."""
MANY = 16
SIGINT, SIGKILL, SIGPIPE, SIGTERM, SIGSTOP, SIGXFSZ = 2, 9, 13, 15, 19, 25
_PAGE = resource.getpagesize()


def _parents() -> dict[int, list[int]]:
    """Children by parent, from every process's stat line."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The command's name stands in brackets and may hold anything, brackets too.
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue  # It has ended since it was listed.
            children.setdefault(int(fields[1]), []).append(int(name))
    return children


def _children(pid: int) -> list[int]:
    """Direct children as the kernel lists them; raises FileNotFoundError if it cannot."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        if os.path.exists(f"/proc/{pid}/task/{pid}/children"):
            return found  # One of its threads has ended meanwhile; the rest come next time.
        if os.path.exists(f"/proc/{pid}"):
            raise
    return found


def descendants(root: int, enough: int = sys.maxsize) -> list[int]:
    """Every process below `root`, nearest first, zombies included; stops soon after `enough`."""
    try:
        below = _children(root)
        for pid in below:
            if len(below) > enough:
                break
            below += _children(pid)
    except FileNotFoundError:  # A kernel without CONFIG_PROC_CHILDREN.
        table = _parents()
        below = list(table.get(root, ()))
        for pid in below:
            below += table.get(pid, ())
    return below


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True  # Reaped, even.


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # Ended by itself, which is what was wanted.


def end_all(root: int, seconds: float = 5.0) -> None:
    """Kills everything below `root`, or as much as it can in the time.

    All are stopped before the first is killed, so that none can fork behind our back.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        below = {pid for pid in descendants(root) if not _is_zombie(pid)}
        if not below:
            return
        stopped: set[int] = set()
        while below - stopped and time.monotonic() < deadline:
            for pid in below - stopped:
                _send(pid, SIGSTOP)
            stopped |= below
            below = set(descendants(root))
        for pid in stopped:
            _send(pid, SIGKILL)
        if root == os.getpid():
            _reap()
        time.sleep(0.002)


def end_marked(assignment: bytes, seconds: float = 3.0) -> None:
    """Kills whatever carries this NAME=value in its environment, wherever it has got to.

    For descendants whose supervisor was killed, and that belong to nobody known since then.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = 0
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if assignment not in file.read().split(b"\0"):
                        continue
            except OSError:
                continue  # It has ended, or it is somebody else's.
            found += 1
            _send(int(name), SIGKILL)
        if not found:
            return
        time.sleep(0.002)


def _reap() -> dict[int, int]:
    """Wait statuses of all children that have ended."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def _resident(pid: int) -> int:
    """Bytes of a process in memory, shared pages counted in full."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """The same with shared pages divided among those who share them; costs a walk of its pages."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return _resident(pid)
    return 0


def _over(below: list[int], memory: int, processes: int) -> str:
    """Which limit is passed, empty if none."""
    if len(below) > processes:
        return "processes"
    if sum(map(_resident, below)) <= memory:
        return ""
    # Forked workers share most of their heap: only the costlier count is fair to them.
    return "memory" if sum(map(_proportional, below)) > memory else ""


def _prctl(option: int, value: int) -> None:
    from ctypes import CDLL, get_errno

    if CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(get_errno(), "prctl")


def _become_subreaper() -> None:
    _prctl(36, 1)  # PR_SET_CHILD_SUBREAPER

    # Airflow ends a task by SIGTERM to its whole process group, in which we are.
    def stop(_number: int, _frame: object) -> None:
        end_all(os.getpid())
        os._exit(1)

    signal(SIGTERM, stop)


def _start(command: list[str], contained: bool, limits: dict[int, int]) -> int:
    """Forks and executes; raises OSError if the program cannot be executed."""
    trouble, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for changed in (SIGINT, SIGPIPE, SIGTERM, SIGXFSZ):
                signal(changed, SIG_DFL)  # By Python, or by us.
            if not contained:
                _prctl(1, SIGKILL)  # PR_SET_PDEATHSIG, lest it outlive a supervisor killed with 9.
            for kind, wanted in limits.items():
                hard = resource.getrlimit(kind)[1]
                value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
                resource.setrlimit(kind, (value, value))
            # Airflow's heartbeats and our supervisor come first, a fork bomb last.
            os.nice(5)
            # Should the machine run out of memory, the tool goes first, not the scheduler.
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("1000")
            os.execve(command[0], command, os.environ)  # noqa: S606 - no shell is what we want
        except OSError as error:
            os.write(report, str(error.errno or errno.EIO).encode())
        os._exit(127)
    os.close(report)
    code = os.read(trouble, 16)
    os.close(trouble)
    if code:
        os.waitpid(pid, 0)
        raise OSError(int(code), os.strerror(int(code)))
    return pid


def _watch(child: int, control: int, memory: int, processes: int) -> str:
    """What became of the tool; empty if nobody wants to know any more."""
    try:
        waiting = [control, os.pidfd_open(child)]
    except OSError:
        waiting = [control]  # A kernel before 5.3: its end is then seen at the next tick.
    tick = TICK
    while True:
        readable, _, _ = select.select(waiting, [], [], tick)
        status = _reap().get(child)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            return f"exit {code}" if code >= 0 else f"signal {-code}"
        if control in readable:
            return ""
        below = descendants(os.getpid(), enough=processes)
        if limit := _over(below, memory, processes):
            return f"limit {limit}"
        tick = TICK if len(below) < MANY else QUICK_TICK


def _tell(control: int, line: str) -> None:
    try:
        os.write(control, f"{line}\n".encode())
    except BrokenPipeError:
        return  # Nobody is listening any more; the tool has been ended all the same.


def main(arguments: list[str]) -> None:
    """Runs `control contained memory_bytes file_bytes processes program arguments...`."""
    control, contained, memory, file_size, processes = map(int, arguments[:5])
    command = arguments[5:]
    os.set_inheritable(control, False)
    signal(SIGINT, SIG_IGN)  # Ctrl-C is for who asked for the tool: it will close the control pipe.
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: file_size}
    if contained:
        # In a user namespace the count is the tool's own; elsewhere it would count every process
        # of this user. Threads count too, hence the factor; `processes` itself is looked at.
        limits[resource.RLIMIT_NPROC] = processes * 4
    else:
        _become_subreaper()
    try:
        child = _start(command, bool(contained), limits)
    except OSError as error:
        _tell(control, f"unstartable {error.errno}")
        return
    _tell(control, "started")
    report = _watch(child, control, memory, processes)
    if contained:
        _send(-1, SIGKILL)  # At once everything in the namespace but process 1, which is us.
    end_all(os.getpid())
    _tell(control, report)
    os._exit(0)  # There is nothing to be put away, and somebody is waiting.


if __name__ == "__main__":
    main(sys.argv[1:])
