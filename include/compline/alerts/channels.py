"""What every channel is, and which one an address leads to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from compline.alerts.escape import plain
from compline.alerts.messages import Message
from compline.alerts.render import body, subject_line

_CHATTY = ("apprise", "httpx", "httpcore", "urllib3", "requests")
"""Libraries whose logs quote addresses, which are secrets."""


class DeliveryFailed(Exception):
    """The channel did not take the message; it may be tried again. Never holds the address."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the channel asks to be left alone for."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a channel needs to know of a delivery besides its message."""

    id: str
    """The delivery's; the same whenever it is tried again."""
    thread: str
    """The id of the delivery that began the thread: its key, everywhere."""
    at: datetime
    """When the message was written."""


class Channel(Protocol):
    """Somewhere alerts go."""

    def send(self, message: Message, envelope: Envelope) -> str:
        """Hands the message over; gives what is worth noting, empty where all is well.

        Raises:
            DeliveryFailed: the channel did not say yes.
        """
        ...


class Console:
    """Prints alerts into the task's log or the terminal."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def send(self, message: Message, envelope: Envelope) -> str:
        """Writes subject and body, indented."""
        self._write(f"ALERT {subject_line(message, plain)}")
        for line in body(message, plain).splitlines():
            self._write(f"  {line}")
        return ""


def within(seconds: float, act: Callable[[], str]) -> str:
    """Does it in a thread of its own, which is left alone when the time is over.

    Time-outs of sockets are for one read each: a channel that answers a byte at a time would
    hold the sender for ever.

    Raises:
        DeliveryFailed: it took too long, or as `act` raises.
    """
    answers: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(act())
        except BaseException as error:  # handed over to the caller
            errors.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise DeliveryFailed(f"no answer within {seconds:g} seconds")
    return answers[0]


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """While it lasts, libraries that would log an address do not."""
    before = {name: logging.getLogger(name).level for name in _CHATTY}
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
