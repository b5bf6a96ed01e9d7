"""Which commit the demo is at before a night that `make nightly` runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from compline.config.loader import load_config
from compline.demo import organisation
from compline.demo.history import commits
from compline.store.engine import open_store
from compline.store.runs import start_run
from compline_airflow.launch import _advance_demo


def prepared(home: Path) -> int:
    """How many commits the repository that gets worse has when the next night begins."""
    path = organisation.build(home, home.parent)
    _advance_demo(load_config(path), home)
    return commits(home / "repositories" / "fraud-model.git")


def a_night(home: Path, at: datetime) -> None:
    with open_store(f"sqlite:///{home.parent / 'store' / 'compline.db'}") as store:
        start_run(store, "nightly", at)


def test_it_advances_before_the_second_night_and_begins_anew_after_a_reset(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    now = datetime.now(UTC)
    assert prepared(home) == 1
    assert prepared(home) == 1, "a night that did not begin is none"
    a_night(home, now + timedelta(seconds=10))
    assert prepared(home) == 2
    assert prepared(home) == 2
    organisation.reset(home)
    # The store keeps the nights of before.
    a_night(home, now - timedelta(days=1))
    assert prepared(home) == 1
