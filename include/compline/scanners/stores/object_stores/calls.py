"""Asks a store many questions side by side: within one time limit, patient with a busy store."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from compline.scanners.expectations.inventory import CannotCollect

WORKERS = 8
"""Calls at the same time."""

MOST_TRIES = 6
"""Of one call to a store that says it is busy."""

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Refused(Exception):
    """The store answered that this account may not ask; the message has no secret."""


class Unsupported(Exception):
    """The store does not know the question."""


class Missing(Exception):
    """The bucket or object is not there."""


class Busy(Exception):
    """429, SlowDown, 5xx: the same call may succeed later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the store asks for; None where it did not say."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer's `Retry-After` (RFC 9110: seconds, or a date) asks for."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


class Patience:
    """The time that all questions to one store have together."""

    def __init__(self, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._pause = pause
        self._lock = threading.Lock()
        self.calls = 0
        """Calls so far, tries included."""

    @property
    def left(self) -> float:
        """Seconds until the end; negative when it is over."""
        return self._end - time.monotonic()

    def ask(self, call: Callable[[], _Answer]) -> _Answer:
        """The answer, after as many tries as a busy store needs.

        Raises:
            CannotCollect: the time is over, or the store stays busy.
            Refused, Unsupported, Missing: as the call raises them.
        """
        for tries in range(MOST_TRIES):
            if self.left <= 0:
                raise self.over()
            with self._lock:
                self.calls += 1
            try:
                return call()
            except Busy as busy:
                wait = busy.retry_after
                if wait is None:
                    wait = min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT)
                if tries + 1 == MOST_TRIES or wait >= self.left:
                    raise CannotCollect(
                        f"the store is busy or broken ({busy}) and was so after {tries + 1} tries: "
                        "ask it later, or give the check more `seconds`"
                    ) from None
                self._pause(wait)
        raise AssertionError("unreachable")

    def over(self) -> CannotCollect:
        """What to raise when the time is over."""
        return CannotCollect(
            f"the store did not answer everything within {self._seconds:g} s: raise `seconds` of "
            "the scanner, or list fewer buckets"
        )


def each(
    items: Sequence[_Item], work: Callable[[_Item], _Answer], patience: Patience
) -> list[_Answer]:
    """What the work gives for each item, in their order.

    The threads are daemons: one that hangs in a call, since its server sends a byte now and then,
    keeps neither this function beyond the time nor the process from ending.

    Raises:
        CannotCollect: the time is over; else what the work raised first.
    """
    waiting: queue.SimpleQueue[tuple[int, _Item]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        waiting.put(numbered)
    done: queue.SimpleQueue[tuple[int, _Answer | BaseException]] = queue.SimpleQueue()
    stopped = threading.Event()

    def labour() -> None:
        while not stopped.is_set():
            try:
                number, item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, work(item)))
            except BaseException as error:  # handed to the caller, who raises it
                done.put((number, error))

    for _ in range(min(WORKERS, len(items))):
        threading.Thread(target=labour, daemon=True).start()
    answers: dict[int, _Answer] = {}
    try:
        while len(answers) < len(items):
            try:
                number, answer = done.get(timeout=max(0.0, patience.left))
            except queue.Empty:
                raise patience.over() from None
            if isinstance(answer, BaseException):
                raise answer
            answers[number] = answer
    finally:
        stopped.set()
    return [answers[number] for number in range(len(items))]


def answer_or_why(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An answer, or what it was instead: `refused`, `unsupported` or `missing`, with the reason."""
    try:
        return ask()
    except Refused as error:
        return {"refused": str(error)}
    except Unsupported as error:
        return {"unsupported": str(error)}
    except Missing as error:
        return {"missing": str(error)}
