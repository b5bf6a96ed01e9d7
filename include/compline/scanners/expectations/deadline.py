"""The hard end of a look: no server may hold one by answering a byte now and then."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from compline.scanners.expectations.inventory import CannotCollect

GRACE = 2.0
"""Seconds beyond the time, for collectors that keep it themselves and say what did not answer."""

_Answer = TypeVar("_Answer")


class Over(Exception):
    """The time is over, and there is no answer."""


def within(seconds: float, setting: str, ask: Callable[[], _Answer]) -> _Answer:
    """What `ask` gives, or an error when its time is over.

    Args:
        seconds: for everything; `GRACE` comes on top.
        setting: where the seconds are set, for the message.
        ask: what is asked.

    Raises:
        CannotCollect: the time is over.
        Exception: whatever `ask` raises.
    """
    try:
        return waited(seconds + GRACE, ask)
    except Over:
        raise CannotCollect(
            f"it was still answering after {seconds:g} s, slowly or without end ({setting}): look "
            "at the server and at what stands before it, or raise the seconds"
        ) from None


def waited(seconds: float, ask: Callable[[], _Answer]) -> _Answer:
    """What `ask` gives within the time.

    Clients bound each read of a socket, and a server that drips never keeps one waiting; nothing
    bounds how long the system takes to resolve a name. So the asking is done in a thread, which is
    left behind when the time is over; it is a daemon, so that it does not keep the process from
    ending.

    Raises:
        Over: it gave nothing.
        Exception: whatever `ask` raises.
    """
    done: queue.SimpleQueue[tuple[_Answer | None, BaseException | None]] = queue.SimpleQueue()

    def labour() -> None:
        try:
            done.put((ask(), None))
        except BaseException as error:  # handed to the caller, who raises it
            done.put((None, error))

    # The context goes along: what resolves secrets may keep its own there.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(labour,), daemon=True).start()
    try:
        answer, error = done.get(timeout=seconds)
    except queue.Empty:
        raise Over from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]
