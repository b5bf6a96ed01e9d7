"""Production moves to another version: approved by the gate it is kept, else it is told at once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gated import FILES, Gated

from compline.pipeline.session import Session

SUBJECT = "fraud@production"


def moves(gated: Gated) -> list[str]:
    """Titles of the alerts about what production serves."""
    done = gated.run("alerts", "list", "--format", "json")
    entries = [entry for one in json.loads(done.stdout) for entry in one["payload"]["entries"]]
    return [e["title"] for e in entries if e["kind"] == "model-changed" and SUBJECT in e["title"]]


def notes(gated: Gated) -> list[str]:
    """What the last run's ledger notes of model-guard's look."""
    done = gated.run("coverage", "--format", "json")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return [text for row in rows if row["scanner"] == "model-guard" for text in row["warnings"]]


@pytest.fixture(scope="module")
def first_served(looked_at: Gated, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """Production serves version 1; version 2 is there. Only to be copied."""
    site = looked_at.copy(tmp_path_factory.mktemp("serving") / "site")
    site.put("2", {**FILES, "notes.txt": b"the second"})
    site.rules = {"production": "1"}
    site.run("scan")
    return site


@pytest.fixture
def serving(first_served: Gated, tmp_path: Path) -> Gated:
    return first_served.copy(tmp_path / "site")


def serve(gated: Gated, version: str) -> list[str]:
    gated.rules = {"production": version}
    gated.run("scan")
    return moves(gated)


def test_a_move_to_an_approved_version_is_kept_and_not_told(serving: Gated) -> None:
    done = serving.run("gate", "model", "fraud", "2", "--format", "json")
    decision = json.loads(done.stdout)
    assert decision["decision"]["verdict"] == "met"
    assert serve(serving, "2") == []
    (note,) = notes(serving)
    assert note.startswith(
        f"{SUBJECT}: from 1 to 2, approved by decision {decision['digest'][:12]}"
    )
    assert serve(serving, "2") == []
    assert serve(serving, "1") == [], "version 1 was approved before"


def test_a_move_without_one_is_told_once_and_says_so(serving: Gated) -> None:
    text = f"{SUBJECT}: from 1 to 2; no decision of the gate approves it"
    assert serve(serving, "2") == [text]
    assert serve(serving, "2") == [text], "told once"
    assert notes(serving) == []


def test_an_approval_of_other_files_approves_nothing(serving: Gated) -> None:
    serving.decide("fraud", "2")
    serving.put("2", {"notes.txt": b"the thirds"}, sign=False)
    (title,) = serve(serving, "2")
    assert "approves sha256:" in title
    assert "and this is sha256:" in title


def test_the_last_word_counts(serving: Gated) -> None:
    serving.decide("fraud", "2")
    serving.gate = {"require": ["data"]}
    assert serving.decide("fraud", "2", "--last")[0]["verdict"] == "unknown"
    (title,) = serve(serving, "2")
    assert "the gate's last word on it is unknown" in title


def test_a_decision_that_was_taken_away_approves_nothing(serving: Gated) -> None:
    digest = serving.decide("fraud", "2")[0]
    assert digest["verdict"] == "met"
    (newest, *_) = json.loads(serving.run("gate", "list", "--format", "json").stdout)
    name = newest["digest"]
    (serving.home / "work" / "evidence" / name[:2] / f"{name}.gz").unlink()
    (title,) = serve(serving, "2")
    assert "cannot be read" in title


def test_an_approval_grows_old(serving: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.decide("fraud", "2")
    real = Session.now
    monkeypatch.setattr(Session, "now", lambda self: real(self) + timedelta(days=31))
    assert serve(serving, "2") == [f"{SUBJECT}: from 1 to 2; no decision of the gate approves it"]


def test_how_old_it_may_be_is_configured(serving: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.decide("fraud", "2")
    serving.gate = {"approval_days": 60}
    real = Session.now
    monkeypatch.setattr(Session, "now", lambda self: real(self) + timedelta(days=31))
    assert serve(serving, "2") == []
