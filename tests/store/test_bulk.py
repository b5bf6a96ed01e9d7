"""Many rows go the quick way of each database and come out as few rows do."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, select

from compline.store import record as recording
from compline.store.bulk import _MANY, insert_rows
from compline.store.engine import Store
from compline.store.schema import regressions

MOMENTS = (
    datetime(2026, 3, 1, 2, 3, 4, 567, tzinfo=UTC),
    datetime(2026, 3, 1, 4, 3, 4, 567, tzinfo=timezone(timedelta(hours=2))),
)


def rows(number: int, run: int) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run,
            "target_id": None if index % 3 == 0 else 1,
            "scanner": "bandit",
            "kind": "new",
            "subject": f"tab\t, line\n, back\\slash, quote ' \" and ü {index}",
            "severity": None if index % 2 else "high",
            "title": "\\N",
            "detail": "",
            "cause": {"commit": f"c\t{index}", "list": [1, None, True], "text": "\\n'\""},
            "at": MOMENTS[index % 2],
            "routed": index % 2 == 0,
        }
        for index in range(number)
    ]


@pytest.mark.parametrize("number", [0, 3, _MANY + 50])
def test_what_goes_in_comes_out(store: Store, kit: Any, number: int) -> None:
    site = kit.site(store)
    run = site.next_night()
    given = rows(number, run)
    with store.writing() as connection:
        connection.execute(delete(regressions))
        insert_rows(connection, regressions, given)
    with store.reading() as connection:
        found = [dict(row._mapping) for row in connection.execute(select(regressions))]
    for row in found:
        del row["id"]
    assert found == given


def test_a_naive_time_is_refused_in_many_rows_too(sqlite_store: Store, kit: Any) -> None:
    run = kit.site(sqlite_store).next_night()
    given = rows(_MANY, run)
    given[-1]["at"] = datetime(2026, 3, 1)  # noqa: DTZ001 - the mistake
    with pytest.raises(ValueError, match="naive"), sqlite_store.writing() as connection:
        insert_rows(connection, regressions, given)
    with sqlite_store.reading() as connection:
        assert connection.execute(select(regressions.c.id)).all() == []


def test_the_collector_is_as_it_was(site: Any, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off while a record is made, and on again even if that fails."""
    seen = []

    def fails(*_: Any) -> Any:
        seen.append(gc.isenabled())
        raise RuntimeError("on the way")

    monkeypatch.setattr(recording, "decide", fails)
    with pytest.raises(RuntimeError, match="on the way"):
        site.night_of(kit.scan({"a.py": "exec(a)\n"}))
    assert seen == [False]
    assert gc.isenabled()
