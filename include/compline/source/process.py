"""One child process of ours (git, skopeo): fed and read without threads, ended with its children.

Scanners' tools are started elsewhere and sandboxed; here run only programs that move bytes.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, cast

import psutil

from compline.source.errors import SourceError

_CHUNK = 1 << 18
_STDERR_KEPT = 1 << 16
"""Bytes of stderr that are kept; a hostile server may send any amount."""


class OutOfTime(SourceError):
    """The process was killed, with its children, because its time was over."""


class OutputTooLarge(SourceError):
    """The process was killed, with its children, because it printed more than was allowed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one process may take."""

    seconds: float
    """Time spent waiting for the process; the reader's own work between chunks does not count."""
    file_bytes: int | None = None
    """Largest file that it or its children may write."""
    memory_bytes: int | None = None
    """Address space of it and of each of its children."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended and what it printed."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Process:
    """A running child; a context manager that leaves nothing running behind.

    Raises:
        SourceError: the program is not there or could not be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        bounds: Bounds,
        pass_fds: Collection[int] = (),
    ) -> None:
        self.name = argv[0]
        self.stderr = bytearray()
        self._bounds = bounds
        self._waited = 0.0
        self._outgoing: deque[memoryview] = deque()
        self._finishing = False
        try:
            self._popen = subprocess.Popen(
                [*_limiter(bounds), *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Outside every repository, whose configuration would else be obeyed.
                cwd="/",
                env=dict(environment),
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
        except OSError as error:
            raise SourceError(
                f"{self.name} cannot be started ({error.strerror}): install it and put it on PATH"
            ) from error
        self._stdin = cast("IO[bytes]", self._popen.stdin)
        self._stdout = cast("IO[bytes]", self._popen.stdout)
        self._stderr = cast("IO[bytes]", self._popen.stderr)
        self._selector = selectors.DefaultSelector()
        os.set_blocking(self._stdin.fileno(), False)
        self._open = {self._stdout, self._stderr}
        for pipe in self._open:
            self._selector.register(pipe, selectors.EVENT_READ)

    def write(self, data: bytes) -> None:
        """Queues data for its standard input; it is written while reading."""
        if data:
            if not self._outgoing:
                self._selector.register(self._stdin, selectors.EVENT_WRITE)
            self._outgoing.append(memoryview(data))

    def finish_input(self) -> None:
        """Closes standard input once everything queued is written."""
        self._finishing = True
        if not self._outgoing:
            self._stdin.close()

    def read(self) -> bytes:
        """The next chunk of standard output, empty at its end.

        Raises:
            OutOfTime: the process is killed before.
        """
        while self._is_open(self._stdout):
            if (chunk := self._step()) is not None:
                return chunk
        return b""

    def wait(self) -> int:
        """Its return code, negative if it was ended by a signal; what it still prints is dropped.

        Raises:
            OutOfTime: the process is killed before.
        """
        while self._is_open(self._stdout) or self._is_open(self._stderr):
            self._step()
        try:
            return self._popen.wait(max(0.1, self._bounds.seconds - self._waited))
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise self._out_of_time() from error

    def kill(self) -> None:
        """Ends the process and all its descendants; does nothing after `wait`."""
        # Not reaped yet: its number still names its own group, whether it runs or is a zombie.
        if self._popen.returncode is None:
            family = _family(self._popen.pid)
            # The group holds those too whose parent has gone; the family those that left it.
            _quietly(lambda: os.killpg(self._popen.pid, signal.SIGKILL))
            for child in family:
                _quietly(child.kill)
            self._popen.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._selector.close()
        for pipe in (self._stdin, self._stdout, self._stderr):
            pipe.close()

    def _is_open(self, pipe: IO[bytes]) -> bool:
        return pipe in self._open

    def _step(self) -> bytes | None:
        """Waits for one event; standard output that came with it, empty where it ended."""
        began = time.monotonic()
        events = self._selector.select(max(0.0, self._bounds.seconds - self._waited))
        self._waited += time.monotonic() - began
        chunk = None
        for key, _ in events:
            if key.fileobj is self._stdin:
                self._feed()
            elif key.fileobj is self._stdout:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    self._end(self._stdout)
            else:
                self._note(os.read(key.fd, _CHUNK))
        if chunk is None and self._waited >= self._bounds.seconds:
            self.kill()
            raise self._out_of_time()
        return chunk

    def _end(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        self._open.discard(pipe)

    def _out_of_time(self) -> OutOfTime:
        return OutOfTime(f"{self.name} took longer than the {self._bounds.seconds:g} s allowed")

    def _feed(self) -> None:
        data = self._outgoing.popleft()
        try:
            written = os.write(self._stdin.fileno(), data)
        except BrokenPipeError:
            # It has gone; why, its return code and stderr tell.
            self._outgoing.clear()
        else:
            if written < len(data):
                self._outgoing.appendleft(data[written:])
        if not self._outgoing:
            self._selector.unregister(self._stdin)
            if self._finishing:
                self._stdin.close()

    def _note(self, text: bytes) -> None:
        if not text:
            self._end(self._stderr)
        # The end says what went wrong, so that the end is kept.
        self.stderr += text
        del self.stderr[:-_STDERR_KEPT]


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    bounds: Bounds,
    stdin: bytes = b"",
    output_limit: int = 1 << 24,
    pass_fds: Collection[int] = (),
) -> Finished:
    """Runs a program to its end; `output_limit` in bytes.

    Raises:
        OutOfTime, OutputTooLarge: it was killed.
        SourceError: it could not be started.
    """
    with Process(argv, environment=environment, bounds=bounds, pass_fds=pass_fds) as process:
        process.write(stdin)
        process.finish_input()
        output = bytearray()
        while chunk := process.read():
            output += chunk
            if len(output) > output_limit:
                raise OutputTooLarge(f"{process.name} printed more than {output_limit} bytes")
        code = process.wait()
        return Finished(code, bytes(output), bytes(process.stderr))


def _limiter(bounds: Bounds) -> list[str]:
    """A prefix that sets limits before the program starts: exec, not one process more."""
    limits = []
    if bounds.file_bytes is not None:
        limits.append(f"--fsize={bounds.file_bytes}")
    if bounds.memory_bytes is not None:
        limits.append(f"--as={bounds.memory_bytes}")
    if not limits:
        return []
    prlimit = shutil.which("prlimit")
    # Linux has it in util-linux; elsewhere only the time is limited.
    return [prlimit, "--core=0", *limits] if prlimit else []


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _quietly(end: Callable[[], None]) -> None:
    try:
        end()
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess, psutil.AccessDenied):
        return
