"""Whose code it was: read from git only for what a record tells."""

from __future__ import annotations

from typing import Any

import pytest

from compline.pipeline import inputs
from compline.source.blame import blame
from compline.store.worse import list_regressions

TREE = {"a.txt": "BAD one\n", "b.txt": "fine\n"}


def worse(organisation: Any) -> list[Any]:
    run = organisation.night().run
    with organisation.session() as session:
        return [view.regression for view in list_regressions(session.store, run=run)]


def test_history_is_read_only_for_what_is_told(
    organisation: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def noted(mirror: Any, commit: str, places: Any) -> Any:
        asked.append({path: set(lines) for path, lines in places.items()})
        return blame(mirror, commit, places)

    monkeypatch.setattr(inputs, "blame", noted)
    fake("bandit")
    organisation.commit("web", TREE)
    organisation.night()
    organisation.commit("web", {**TREE, "a.txt": "above\nBAD one\n"})
    assert worse(organisation) == []
    assert asked == []  # the line has moved, and nothing is new
    last = organisation.commit("web", {**TREE, "a.txt": "above\nBAD one\nBAD two\n"})
    [told] = worse(organisation)
    assert told.cause.commit.id == last
    assert asked == [{"a.txt": {3}}]
