"""A month of ordinary traffic in each format, night after night, and then a thief."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = [f"p{number}" for number in range(12)]
DAYS, LEARNING = 30, 14
RUN = "314b3ed7460347f2841dbcde09444e0e"


def _combined(user: str, at: datetime, size: int) -> str:
    when = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    head = f"192.0.2.77 - {user} [{when}]"
    return f'{head} "GET /models/fraud/3/w.bin HTTP/1.1" 200 {size} "-" "curl"\n'


def _s3(user: str, at: datetime, size: int) -> str:
    """A line as S3's documentation has them; a requester `-` is anonymous."""
    who = "-" if user == "-" else f"arn:aws:iam::123456789012:user/{user}"
    when = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f"{'a' * 64} models [{when}] 192.0.2.3 {who} 3E57427F3EXAMPLE REST.GET.OBJECT "
        f'fraud/3/w.bin "GET /models/fraud/3/w.bin HTTP/1.1" 200 - {size} {size} 70 10 "-" "aws" '
        "- id= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader models.s3.amazonaws.com TLSv1.2 - Yes\n"
    )


def _mlflow(user: str, at: datetime, size: int) -> str:
    """By gunicorn, which names users; it knows no size, so that much is many downloads."""
    when = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{RUN}/artifacts/model/w.bin"
    line = f'127.0.0.1 - {user} [{when}] "GET {path} HTTP/1.1" 200 0 "-" "mlflow/3"\n'
    return line * max(1, size // 1_000_000_000)


FORMATS: dict[str, Callable[[str, datetime, int], str]] = {
    "combined": _combined,
    "s3": _s3,
    "mlflow": _mlflow,
}


def ordinary(line: Callable[[str, datetime, int], str], day: int) -> Iterator[str]:
    """One day of people who mostly come, each at an hour of one's own, for much or less."""
    lot = random.Random(day)
    for number, user in enumerate(PEOPLE):
        if lot.random() < 0.8:
            hour = (8 + number % 8 + lot.choice((0, 0, 1))) % 24
            at = START + timedelta(days=day, hours=hour, minutes=lot.randrange(60))
            yield line(user, at, int(1_000_000_000 * lot.lognormvariate(0, 0.5)))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_month_is_quiet_and_a_thief_is_told(proxy: Any, kind: str) -> None:
    line = FORMATS[kind]
    alarms: set[tuple[str, str]] = set()
    gapped = []
    for day in range(DAYS):
        proxy.write("access.log", "".join(ordinary(line, day)), day=day)
        look = proxy.look(day, kind=kind)
        alarms |= proxy.found(look)
        gapped.append(bool(look.outcome.gaps))
    assert all(gapped[: LEARNING - 1]), "while it learns it says so"
    assert not any(gapped[LEARNING + 1 :])
    assert {rule for rule, _ in alarms} <= {"volume-beyond-habit"}
    assert len(alarms) <= 2, "of some 150 days of one person each that were judged"

    def at(hour: int) -> datetime:
        return START + timedelta(days=DAYS, hours=hour)

    theft = [
        *ordinary(line, DAYS),
        line("p1", at(3), 1_000_000_000),
        line("p2", at(11), 200_000_000_000),
        line("eve", at(12), 1_000_000_000),
        line("-", at(12), 1_000_000_000),
    ]
    proxy.write("access.log", "".join(theft), day=DAYS)
    found = proxy.found(proxy.look(DAYS, kind=kind)) - alarms
    told = {(rule, subject.partition(" ")[0].rpartition("/")[2]) for rule, subject in found}
    assert told == {
        ("unusual-hour", "p1"),
        ("volume-beyond-habit", "p2"),
        ("new-principal", "eve"),
        ("anonymous-download", "anonymous"),
    }
