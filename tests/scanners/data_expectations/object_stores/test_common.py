"""What the object stores share: bounds in time, samples, classes, what is written of a store."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.object_stores.calls import Busy, Patience, each, retry_after
from compline.scanners.stores.object_stores.facts import SAMPLED, Bucket, Store, classes_of, sample
from compline.scanners.stores.object_stores.frames import inventory_of, is_declared


def test_answers_come_in_the_order_of_the_questions() -> None:
    def slowly(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return -number

    assert each(range(20), slowly, Patience(5)) == [-number for number in range(20)]
    assert each([], slowly, Patience(5)) == []


def test_nothing_waits_beyond_the_end() -> None:
    """A call that hangs is left behind, and its thread keeps no process alive."""
    hanging = threading.Event()
    before = set(threading.enumerate())
    started = time.monotonic()

    with pytest.raises(CannotCollect, match=r"within 0\.3 s"):
        each([1, 2], lambda _number: hanging.wait(30), Patience(0.3))

    assert time.monotonic() - started < 2
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    hanging.set()


def test_what_one_question_raises_ends_all() -> None:
    def broken(number: int) -> int:
        if number == 3:
            raise CannotCollect("half an answer")
        return number

    with pytest.raises(CannotCollect, match="half an answer"):
        each(range(100), broken, Patience(5))


@pytest.mark.parametrize(("asked_for", "waits"), [(3.0, [3.0, 3.0]), (None, [0.5, 1.0])])
def test_how_long_a_busy_store_is_left_alone(asked_for: float | None, waits: list[float]) -> None:
    slept: list[float] = []
    answers = iter([Busy("x", asked_for), Busy("x", asked_for), "well"])

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, Busy):
            raise answer
        return str(answer)

    patience = Patience(60, pause=slept.append)

    assert patience.ask(call) == "well"
    assert slept == waits
    assert patience.calls == 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({"retry-after": "0.5"}, 0.5), ({}, None),
     ({"Retry-After": "soon"}, None), ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0)],
)  # fmt: skip
def test_what_retry_after_says(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_the_sample_stays_the_same() -> None:
    names = [f"part-{number:05}" for number in range(3000)]
    first = sample("bucket", names)

    assert len(first) == SAMPLED
    assert sample("bucket", reversed(names)) == first
    assert sample("another", names) != first
    # One more object moves at most one out.
    assert len(set(first) & set(sample("bucket", [*names, "one-more"]))) >= SAMPLED - 1
    assert sample("bucket", names[:3]) == sorted(names[:3])


@pytest.mark.parametrize(
    ("value", "classes"),
    [("model", ("model",)), ("Training + personal", ("personal", "training")), (None, ()),
     (["audit"], ("audit",)), ("a,b;c/d", ("a", "b", "c", "d"))],
)  # fmt: skip
def test_how_classes_are_written(value: Any, classes: tuple[str, ...]) -> None:
    assert classes_of(value) == classes


def test_who_is_declared() -> None:
    assert is_declared(("arn:aws:iam::2:root", "2"), ["2"])
    assert is_declared(("user:a@example.org", "a@example.org"), ["*@example.org"])
    assert not is_declared(("22",), ["2"])
    assert not is_declared(("",), ["*"])


@pytest.mark.parametrize(
    ("endpoint", "transport"),
    [("https://h", "tls"), ("http://h:9000", "plain"), ("http://127.0.0.1:1", "loopback"),
     ("http://[::1]:1", "loopback"), ("http://localhost", "loopback")],
)  # fmt: skip
def test_how_our_own_connection_goes(endpoint: str, transport: str) -> None:
    frame = inventory_of(Store(endpoint, []), {}).frames["connection"]

    assert frame["transport"].tolist() == [transport]


def test_ten_thousand_buckets_are_judged_in_seconds() -> None:
    from compline.scanners.expectations.findings import hold_against
    from compline.scanners.expectations.policy import bind
    from compline.scanners.expectations.suite_file import built_in

    good = {"encrypted": True, "algorithm": "x", "key": "", "own_key": False}
    buckets = [
        Bucket(f"b{n}", ("model",), {"encryption": [good], "versions": [{"versioned": n % 2 == 0}]})
        for n in range(10_000)
    ]
    bound = bind(built_in("s3"), {})
    started = time.monotonic()
    verdict = hold_against(bound, inventory_of(Store("https://x", buckets), bound.values), "test")

    assert sum(o.rule == "unversioned" for o in verdict.observations) == 5000
    assert time.monotonic() - started < 30
