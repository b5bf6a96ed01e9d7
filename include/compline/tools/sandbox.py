"""How a tool process is confined: by bubblewrap where the machine lets it, else by limits alone.

What each level protects from:

Files: in bubblewrap the tool sees the system's programs and libraries, itself, and what it was
given, and writes only where it was given to write; with limits alone, whatever the user running
Compline may read and write.

Network: none in bubblewrap unless asked for, not even this machine's own addresses; with limits
alone it is not held back, and the tools are only told to stay offline.

Other processes: neither seen nor signalled from bubblewrap; with limits alone any of the same
user's may be signalled, and their environment read in /proc, Compline's own included.

Children: in bubblewrap they die with their namespace, always; with limits alone they are found
as descendants and killed. When Compline itself is killed with signal 9, its supervisor does so,
unless it was killed in the same stroke (the whole process group): daemons in a session of their
own then escape, and so does a tool that kills its supervisor and hides its marked environment.

Environment, time, memory, output, file size and number of processes: held by both.

Both run as the user who runs Compline; as root too the tool has no capability in the sandbox.
Limits alone hold back accidents: a tool that hangs, swells or leaves daemons. They do not hold
back an attacker who already executes code in a tool. So the ledger says which one it was.
"""

from __future__ import annotations

import functools
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compline.tools import supervise

BUBBLEWRAP = "bubblewrap"
LIMITS = "limits"
SWITCH = "COMPLINE_SANDBOX"
"""Environment variable; `off` leaves bubblewrap out, for finding out what it is that fails."""

TMP = "/tmp"  # noqa: S108 - the sandbox's own: what is mounted there is private to one run
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
    *("/etc/localtime", "/etc/ssl", "/etc/pki", "/etc/ca-certificates"),
)
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services")
_LOADER = """
import marshal, os, sys
code, control, size = b"", int(sys.argv[1]), int(sys.argv.pop(2))
while len(code) < size:
    part = os.read(control, size - len(code))
    if not part:
        sys.exit("nobody wants the tool any more")
    code += part
exec(marshal.loads(code))
"""
"""Reads supervise.py, compiled, from the control pipe: no file of ours need be in the sandbox, and
nothing is started before we say so by sending it."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which level there is on this machine, and why not the better one."""

    level: str
    """`bubblewrap` or `limits`."""
    reason: str = ""
    """Why it is only limits, with what to do; empty under bubblewrap."""
    program: tuple[str, ...] = ()
    """bubblewrap with the options that this version of it takes; empty under limits."""


def confinement() -> Confinement:
    """What tools run under now; the trial is made once per process."""
    if os.environ.get(SWITCH) == "off":
        return Confinement(LIMITS, f"bubblewrap is switched off by {SWITCH}=off")
    return _trial(shutil.which("bwrap"))


@functools.cache
def _trial(bwrap: str | None) -> Confinement:
    if bwrap is None:
        return Confinement(LIMITS, "bwrap is not on PATH: install the package bubblewrap")
    reason = ""
    # Without further user namespaces much less of the kernel can be attacked; from 0.8 on.
    for program in ((bwrap, "--disable-userns"), (bwrap,)):
        command = [
            *_bubblewrap(program, network=False),
            *_mounts(dict.fromkeys(interpreter_paths(_python()), False)),
            *("--", str(_python()), "-I", "-S", "-c", "pass"),
        ]
        try:
            # Nobody wants to wait for a sandbox that takes seconds to start.
            done = subprocess.run(command, capture_output=True, env={}, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
        else:
            if done.returncode == 0:
                return Confinement(BUBBLEWRAP, program=program)
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return Confinement(
        LIMITS,
        f"bubblewrap does not work here ({reason}): allow unprivileged user namespaces, in a "
        "container by its runtime's security options",
    )


@functools.cache
def supervisor_code() -> bytes:
    """What the command's control pipe must be given for the tool to be started."""
    source = Path(supervise.__file__)
    return marshal.dumps(compile(source.read_bytes(), source.name, "exec"))


def command(
    argv: Sequence[str],
    *,
    confined: Confinement,
    supervisor: Sequence[str],
    scratch: Path,
    readable: Iterable[Path],
    writable: Iterable[Path],
    cwd: Path,
    network: bool,
) -> list[str]:
    """The whole command line: sandbox, supervisor (with its own arguments), tool."""
    program = Path(argv[0])
    if confined.level == LIMITS:
        return [str(_python()), "-I", "-S", "-c", _LOADER, *supervisor, *argv]
    mounts: dict[Path, bool] = dict.fromkeys(interpreter_paths(_python()), False)
    mounts.update(dict.fromkeys(_program_paths(program), False))
    mounts.update(dict.fromkeys(readable, False))
    mounts.update(dict.fromkeys(writable, True))
    if not any(cwd.is_relative_to(path) for path in mounts):
        mounts[cwd] = False
    return [
        *_bubblewrap(confined.program, network=network),
        *("--bind", str(scratch / "tmp"), TMP, "--bind", str(scratch / "shm"), "/dev/shm"),  # noqa: S108
        *_mounts(mounts),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cwd), "--"),
        *(str(_python()), "-I", "-S", "-c", _LOADER, *supervisor, *argv),
    ]


def _bubblewrap(program: Sequence[str], *, network: bool) -> list[str]:
    """Namespaces and what every tool sees; everything else is left out by not being mounted."""
    words = [*program, "--unshare-user", "--unshare-all"]
    words += ["--share-net"] if network else []
    words += ["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in (*_SYSTEM_FILES, *(_NETWORK_FILES if network else ())):
        words += ["--ro-bind-try", name, name]
    # A fresh /proc lets root, even without capabilities, write the kernel's settings.
    return [*words, "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]


def _mounts(paths: dict[Path, bool]) -> list[str]:
    """Binds, outer directories first, so that what is inside another keeps its own mode."""
    wanted: dict[Path, bool] = {}
    for path, writable in paths.items():
        for name in (path, path.resolve()):
            wanted[name] = wanted.get(name, False) or writable
    words = []
    for path in sorted(wanted, key=lambda path: (len(path.parts), path)):
        words += ["--bind" if wanted[path] else "--ro-bind", str(path), str(path)]
    return words


def _python() -> Path:
    """Our interpreter itself, not the link to it in a virtual environment."""
    return Path(sys.executable).resolve()


def interpreter_paths(python: Path) -> list[Path]:
    """What an interpreter outside the system's directories needs: its programs and libraries."""
    prefix = python.resolve().parent.parent
    if not any(prefix.glob("lib/python3*/os.py")):
        return [python.resolve()]
    return [prefix / name for name in ("bin", "lib", "lib64") if (prefix / name).is_dir()]


def _program_paths(program: Path) -> list[Path]:
    """What must be mounted for a program: its environment with the base interpreter, or itself."""
    environment = program.parent.parent
    if not (environment / "pyvenv.cfg").is_file():
        return [program]
    return [environment, *interpreter_paths(environment / "bin" / "python")]
