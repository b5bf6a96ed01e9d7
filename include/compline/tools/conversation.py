"""What is exchanged with one running tool: its input, its output up to a limit, its end."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import IO, cast

from compline.tools.limits import OutputTooLarge, ProcessLimits, TimedOut

_CHUNK = 1 << 18
_GRACE = 1.0
"""Seconds in which the output must end once the supervisor, last of all, has gone."""


class Conversation:
    """One process with its three pipes and the control pipe to its supervisor.

    Everything happens in the calling thread, so that an exception raised by a signal handler
    (Ctrl-C, Airflow's time-out) passes through here like any other.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, limits: ProcessLimits
    ) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._report = bytearray()
        self._process = process
        self._control = control
        self._limits = limits

    def hold(self, stdin: bytes) -> list[str]:
        """Until the process and its output have ended; gives the supervisor's report by line.

        Raises:
            TimedOut, OutputTooLarge: the process is still running then.
        """
        deadline = time.monotonic() + self._limits.seconds
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            self._listen(self._control, self._report)
            self._listen(cast(IO[bytes], self._process.stdout), self.stdout)
            self._listen(cast(IO[bytes], self._process.stderr), self.stderr)
            if self._process.stdin is not None:
                self._write(self._process.stdin, memoryview(stdin))
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    if not self._running:
                        break  # Somebody who escaped holds the pipes; nothing of his counts.
                    raise TimedOut(f"it ran longer than {self._limits.seconds:g} s and was ended")
                for key, _ in selector.select(left):
                    cast(Callable[[], None], key.data)()
                if not self._running:
                    deadline = min(deadline, time.monotonic() + _GRACE)
        return self._report.decode(errors="replace").splitlines()

    @property
    def _running(self) -> bool:
        return self._control in self._selector.get_map()

    def _listen(self, pipe: IO[bytes] | socket.socket, into: bytearray) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ, partial(self._read, pipe, into))

    def _read(self, pipe: IO[bytes] | socket.socket, into: bytearray) -> None:
        try:
            data = os.read(pipe.fileno(), _CHUNK)
        except ConnectionResetError:  # The supervisor was killed with our word still unread.
            data = b""
        if not data:
            self._selector.unregister(pipe)
        into += data
        if len(self.stdout) + len(self.stderr) > self._limits.output_mb << 20:
            raise OutputTooLarge(f"it printed more than {self._limits.output_mb} MB and was ended")

    def _write(self, pipe: IO[bytes], rest: memoryview) -> None:
        os.set_blocking(pipe.fileno(), False)

        def more() -> None:
            nonlocal rest
            try:
                rest = rest[os.write(pipe.fileno(), rest[:_CHUNK]) :]
            except BrokenPipeError:
                rest = rest[:0]  # It does not want to read on: its own affair.
            if not rest:
                self._selector.unregister(pipe)
                pipe.close()

        self._selector.register(pipe, selectors.EVENT_WRITE, more)
