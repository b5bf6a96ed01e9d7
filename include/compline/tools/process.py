"""The one place that starts a tool: confined, limited, and gone with all its children afterwards.

What a sandbox keeps from the tool, and what is left without one, is told in sandbox.py; how the
tool is watched and ended, in supervise.py. Here the process is asked for, its output is drained
up to a limit, and the time is kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from compline.tools import sandbox, supervise
from compline.tools.conversation import Conversation
from compline.tools.limits import (
    Aborted,
    NotStarted,
    OutputTooLarge,
    ProcessLimits,
    TimedOut,
    ToolError,
)
from compline.tools.scratch import scratch

__all__ = [
    "Aborted",
    "Finished",
    "NotStarted",
    "OutputTooLarge",
    "ProcessLimits",
    "TimedOut",
    "ToolError",
    "run",
]

_MARK = "COMPLINE_RUN"
"""Environment variable by which orphans of a tool can be told, where there is no sandbox."""
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Finished:
    """A tool that ended by itself, with whatever exit code."""

    returncode: int
    """0 to 255; what it means is the adapter's to know."""
    stdout: bytes
    stderr: bytes
    seconds: float
    """Wall time, start-up of the sandbox included."""
    sandbox: str
    """`bubblewrap` or `limits`, for the ledger."""


def run(
    argv: Sequence[str | Path],
    *,
    limits: ProcessLimits,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    cwd: Path,
    env: Mapping[str, str] = MappingProxyType({}),
    network: bool = False,
    stdin: bytes | None = None,
) -> Finished:
    """Runs a tool to its end; may be called from several threads at once.

    Args:
        argv: the program by its absolute path, and its arguments; no shell sees them.
        limits: what it may use.
        readable: files and directories that it may see besides the system, itself and `cwd`.
        writable: directories that it may change; nothing else keeps what it writes.
        cwd: where it starts; read-only unless it lies in a writable directory.
        env: variables besides PATH, HOME, TMPDIR, LANG; nothing of our own environment is passed
            on, except proxies (without credentials) and certificates if there is network.
        network: whether it may use the network, this machine's own addresses included.
        stdin: what it reads; nothing if None.

    Raises:
        NotStarted: the program or a path is missing, or could not be executed.
        TimedOut: after `limits.seconds`.
        OutputTooLarge: it printed more than `limits.output_mb`.
        Aborted: it was ended by a signal, by `limits.memory_mb` or by `limits.processes`.
    """
    words = [str(word) for word in argv]
    name = Path(words[0]).name  # where it lies is this machine's own affair
    for path in (Path(words[0]), cwd, *readable, *writable):
        if not path.is_absolute() or not path.exists():
            raise NotStarted(f"{name} was not started: {path} must be an absolute path, and exist")
    confined = sandbox.confinement()
    inside = confined.level == sandbox.BUBBLEWRAP
    started = time.monotonic()
    with scratch() as directory, _socketpair() as (ours, theirs):
        home = Path(sandbox.TMP) if inside else directory / "tmp"
        code = sandbox.supervisor_code()
        bounds = (
            len(code),
            int(inside),
            limits.memory_mb << 20,
            limits.file_mb << 20,
            limits.processes,
        )
        command = sandbox.command(
            words,
            confined=confined,
            supervisor=[str(number) for number in (theirs.fileno(), *bounds)],
            scratch=directory,
            readable=[*readable, *(_certificates().values() if network else ())],
            writable=writable,
            cwd=cwd,
            network=network,
        )
        mark = {} if inside else {_MARK: uuid.uuid4().hex}
        process = None
        try:
            # Should a signal's exception come between fork and assignment, the code is not sent,
            # and nothing is started.
            process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/" if inside else cwd,
                env=_environment(Path(words[0]), home, network) | dict(env) | mark,
                pass_fds=(theirs.fileno(),),
            )
            theirs.close()
            with contextlib.suppress(BrokenPipeError):  # It has ended already, and said why.
                ours.sendall(code)
            conversation = Conversation(process, ours, limits)
            report = conversation.hold(stdin or b"")
        except ToolError as error:
            raise type(error)(f"{name}: {error}") from None
        except OSError as error:
            if process is not None:
                raise
            raise NotStarted(f"{name} was not started: {error.strerror}") from error
        finally:
            ours.close()
            if process is not None:
                _end(process, mark)
    return Finished(
        _exit_code(name, report, bytes(conversation.stderr), limits),
        bytes(conversation.stdout),
        bytes(conversation.stderr),
        time.monotonic() - started,
        confined.level,
    )


def _exit_code(name: str, report: list[str], stderr: bytes, limits: ProcessLimits) -> int:
    """The tool's exit code out of the supervisor's report, or the exception that it stands for."""
    match " ".join(report).split():
        case ["started", "exit", code]:
            return int(code)
        case ["started", "signal", number]:
            known = {int(each): each.name for each in signal.Signals}
            raise Aborted(f"{name}: ended by signal {known.get(int(number), number)}")
        case ["started", "limit", "memory"]:
            raise Aborted(f"{name}: it used more than {limits.memory_mb} MB and was ended")
        case ["started", "limit", _]:
            raise Aborted(f"{name}: it had more than {limits.processes} processes and was ended")
        case ["unstartable", number]:
            raise NotStarted(f"{name} was not started: {os.strerror(int(number))}")
        case ["started", *_]:
            raise Aborted(f"{name}: it was killed from outside, with its supervisor")
        case _:
            # The tool has not run, so this was printed by the sandbox or the interpreter.
            said = stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise NotStarted(f"{name} was not started: {said or 'its supervisor was killed'}")


def _end(process: subprocess.Popen[bytes], mark: Mapping[str, str]) -> None:
    """Returns when the supervisor, and so everything below it, has gone."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        # It was stopped, or the machine is drowning in processes: from outside, then.
        supervise.end_all(process.pid, seconds=3)
        process.kill()
        process.wait()
    if process.returncode:
        # The supervisor did not come to its end, and there is no namespace that dies with it.
        for name, value in mark.items():
            supervise.end_marked(f"{name}={value}".encode())


def _environment(program: Path, home: Path, network: bool) -> dict[str, str]:
    """All that a tool gets to see of the environment, which is nearly nothing of ours."""
    chosen = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "HOME": str(home / "home"),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        # Its environment is sealed: what it writes there would make it look tampered with.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    if not network:
        return chosen
    for name in _PROXY_VARIABLES:
        for spelling in (name, name.lower()):
            value = os.environ.get(spelling, "")
            if value and "@" not in value:
                chosen[spelling] = value
    return chosen | {name: str(path) for name, path in _certificates().items()}


def _certificates() -> dict[str, Path]:
    """Certificate files and directories that our environment names and that exist."""
    named = {name: Path(os.environ[name]) for name in _CERTIFICATE_VARIABLES if name in os.environ}
    return {name: path for name, path in named.items() if path.is_absolute() and path.exists()}


@contextlib.contextmanager
def _socketpair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs
