"""A history that is read only where a decision asks for it."""

from __future__ import annotations

from datetime import UTC, datetime

from compline.findings.history import History, LazyHistory, Line
from compline.findings.regressions import Commit

COMMIT = Commit("abc", "Ada <ada@example.org>", datetime(2026, 1, 1, tzinfo=UTC))


def test_what_was_asked_for_is_read_once() -> None:
    asked: list[frozenset[Line]] = []

    def reader(places: frozenset[Line]) -> History:
        asked.append(places)
        return {("a.py", 2): COMMIT}

    history = LazyHistory(reader)
    assert not history.read()
    assert history.get(("a.py", 2)) is None
    assert history.get(("b.py", None)) is None
    assert history.read()
    assert (history.get(("a.py", 2)), history.get(("b.py", None))) == (COMMIT, None)
    # What nobody knows is not asked for again.
    assert not history.read()
    assert asked == [frozenset({("a.py", 2), ("b.py", None)})]
    assert dict(history) == {("a.py", 2): COMMIT}
    assert len(history) == 1
