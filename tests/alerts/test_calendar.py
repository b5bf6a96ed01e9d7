"""Quiet hours and digests happen at the clock of their zone, summer time included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compline.alerts.calendar import next_digest, quiet_until
from compline.config.alerts import Digest, Quiet

NIGHT = Quiet(start="22:00", end="07:00", timezone="Europe/Berlin")
NOON = Quiet(start="12:00", end="13:30", timezone="UTC")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, "2026-01-10T20:59", None),
        (NIGHT, "2026-01-10T21:00", "2026-01-11T06:00"),  # 22:00 in Berlin
        (NIGHT, "2026-01-11T05:59", "2026-01-11T06:00"),
        (NIGHT, "2026-01-11T06:00", None),
        (NIGHT, "2026-07-10T19:59", None),
        (NIGHT, "2026-07-10T20:00", "2026-07-11T05:00"),  # summer time
        (NIGHT, "2026-03-28T23:00", "2026-03-29T05:00"),  # the night in which it begins
        (NOON, "2026-01-10T11:59", None),
        (NOON, "2026-01-10T12:00", "2026-01-10T13:30"),
        (NOON, "2026-01-10T13:30", None),
        (None, "2026-01-10T12:00", None),
    ],
)
def test_quiet_hours(quiet: Quiet | None, now: str, until: str | None) -> None:
    assert quiet_until(quiet, utc(now)) == (utc(until) if until else None)


@pytest.mark.parametrize(
    ("digest", "after", "at"),
    [
        (Digest(time="08:00"), "2026-01-10T07:59", "2026-01-10T08:00"),
        (Digest(time="08:00"), "2026-01-10T08:00", "2026-01-11T08:00"),
        (Digest(time="08:00", timezone="Europe/Berlin"), "2026-07-10T00:00", "2026-07-10T06:00"),
        (Digest(time="08:00", timezone="Europe/Berlin"), "2026-03-28T12:00", "2026-03-29T06:00"),
        (Digest(cron="0 8 * * 1"), "2026-03-03T00:00", "2026-03-09T08:00"),
        (
            Digest(cron="0 8 * * 1-5", timezone="America/New_York"),
            "2026-01-09T14:00",
            "2026-01-12T13:00",
        ),
    ],
)
def test_digests(digest: Digest, after: str, at: str) -> None:
    assert next_digest(digest, utc(after)) == utc(at)
