"""A session's clock that a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from compline.pipeline.session import Session


class Clock:
    """What every session takes for now."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def later(self, **span: float) -> None:
        """Moves on; arguments as `timedelta` has them."""
        self.now += timedelta(**span)


def clock_at(now: datetime, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stops the clock of all sessions until the test ends."""
    made = Clock(now)
    monkeypatch.setattr(Session, "now", lambda _self: made.now)
    return made
