"""The lives of findings through whole nights: real git, a real store, made-up scanners."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compline.config.memory import Deadlines, Risk
from compline.findings.regressions import RegressionKind
from compline.findings.risk import RiskPolicy
from compline.findings.waivers import Selector
from compline.model import (
    MISSED_CANARY,
    Completed,
    Failed,
    Look,
    RunResult,
    ScanKey,
    Severity,
)
from compline.pipeline import waive
from compline.pipeline.accept import accept_drop
from compline.pipeline.lives import risk_policy
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.scanners.interface import Job, ScanContext
from compline.store.schema import metadata

TREE = {"a.txt": "BAD one\n", "b.txt": "fine\n"}
OTHER = ScanKey("fake", "1", rules="r0")
LATER = (datetime.now(UTC) + timedelta(days=20)).date()


class TestWhy:
    def test_new_code_names_its_commit(self, organisation: Any, fake: Any) -> None:
        fake("bandit")
        organisation.commit("web", TREE)
        first = organisation.night()
        assert [one.kind for one in organisation.worse(first.run)] == [RegressionKind.BASELINE]
        organisation.commit("web", {**TREE, "calm.txt": "x\n"})
        middle = organisation.commit("web", {**TREE, "c.txt": "fine\nBAD two\n"})
        organisation.commit("web", {**TREE, "c.txt": "fine\nBAD two\n", "d.txt": "x\n"})
        second = organisation.night()
        [told] = organisation.worse(second.run)
        assert told.kind is RegressionKind.NEW
        assert told.cause.changed == ("code",)
        assert told.cause.base == organisation.git("web", "rev-parse", "main~3")
        assert told.cause.revision == organisation.git("web", "rev-parse", "main")
        assert told.cause.commit.id == middle
        assert told.cause.commit.author == "Demo Developer <developer@demo.example>"

    def test_other_rules_name_no_commit(self, organisation: Any, fake: Any) -> None:
        fake("bandit", lambda jobs, _context: (_nothing(job) for job in jobs)).key = OTHER
        organisation.commit("web", TREE)
        organisation.night()
        fake("bandit")
        [told] = organisation.worse(organisation.night().run)
        assert (told.cause.changed, told.cause.commit) == (("rules",), None)

    def test_a_missed_canary_is_told_as_such(self, organisation: Any, fake: Any) -> None:
        fake("bandit")
        organisation.commit("web", TREE)
        organisation.night()
        error = f"bandit {MISSED_CANARY}"
        fake("bandit", lambda jobs, _context: (_failed(job, error) for job in jobs))
        night = organisation.night(fresh=True)
        assert night.result is RunResult.INCOMPLETE
        assert [one.kind for one in organisation.worse(night.run)] == [RegressionKind.CANARY_MISSED]


def _nothing(job: Job) -> Look:
    return Look(job.target.name, "bandit", Completed(()), job.revision, scan_key=OTHER)


def _failed(job: Job, error: str) -> Look:
    return Look(job.target.name, "bandit", Failed(error), job.revision)


class TestDrops:
    def test_a_person_releases_a_hold_and_the_next_night_reuses_the_look(
        self, organisation: Any, fake: Any, bad_lines: Any
    ) -> None:
        fake("bandit")
        organisation.commit("web", {"a.txt": "".join(f"BAD {n}\n" for n in range(10))})
        organisation.night()

        def poor(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
            for job in jobs:
                look = bad_lines("bandit", job)
                yield replace(look, outcome=Completed(look.outcome.observations[:2]))

        fake("bandit", poor)
        held = organisation.night(fresh=True)
        assert held.row("web", "bandit").result == "held"
        assert [one.kind for one in organisation.worse(held.run)] == [RegressionKind.DROP_HELD]
        with organisation.session() as session:
            with pytest.raises(BadRequest, match="say why"):
                accept_drop(session, "web", "bandit", by="ada", reason=" ")
            done = accept_drop(session, "web", "bandit", by="ada", reason="two are enough")
        assert len(done.resolved) == 8
        assert len(organisation.open()) == 2
        night = organisation.night()
        assert night.row("web", "bandit").reused_from == held.run
        assert organisation.worse(night.run) == []

    def test_the_limits_are_the_configurations(
        self, organisation: Any, fake: Any, bad_lines: Any
    ) -> None:
        organisation.sections["lifecycle"] = {"hold": {"at_least": 9}}
        fake("bandit")
        organisation.commit("web", {"a.txt": "".join(f"BAD {n}\n" for n in range(8))})
        organisation.night()
        fake("bandit", lambda jobs, _context: (_bare(bad_lines("bandit", job)) for job in jobs))
        night = organisation.night(fresh=True)
        assert night.row("web", "bandit").result == "recorded"
        assert organisation.open() == {}


def _bare(look: Look) -> Look:
    return replace(look, outcome=Completed(()))


class TestTime:
    def test_policy_and_labels_reach_what_was_not_looked_at(
        self, organisation: Any, fake: Any
    ) -> None:
        scanner = fake("bandit")
        organisation.commit("web", TREE)
        organisation.night()
        [one] = organisation.open().values()
        assert one.due_at == one.first_seen + timedelta(days=30)
        organisation.sections["deadlines"] = {"days": {"high": 3}}
        organisation.sections["risk"] = {"exposure_label": "zone", "exposure": {"dmz": 7}}
        organisation.night()
        [one] = organisation.open().values()
        assert one.due_at == one.first_seen + timedelta(days=3)
        assert one.risk == 3_000_000
        organisation.sections["targets"] = {
            "repositories": [
                {
                    "name": "web",
                    "url": organisation.url("web"),
                    "branch": "main",
                    "labels": {"zone": "dmz"},
                }
            ]
        }
        organisation.night()
        [one] = organisation.open().values()
        assert one.risk == 3_000_007
        assert len(scanner.asked) == 1

    def test_a_missed_deadline_is_told_by_the_run(
        self, organisation: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake("bandit")
        organisation.commit("web", TREE)
        organisation.night()
        real = Session.now
        monkeypatch.setattr(Session, "now", lambda self: real(self) + timedelta(days=31))
        night = organisation.night()
        assert [one.kind for one in organisation.worse(night.run)] == [
            RegressionKind.DEADLINE_MISSED
        ]
        assert organisation.worse(organisation.night().run) == []

    def test_a_target_that_is_not_listed_any_more(self, organisation: Any, fake: Any) -> None:
        fake("bandit")
        organisation.commit("web", TREE)
        organisation.commit("api", {"a.txt": "fine\n"})
        organisation.night()
        organisation.listed.remove("web")
        night = organisation.night()
        [told] = organisation.worse(night.run)
        assert (told.kind, told.subject) == (RegressionKind.TARGET_VANISHED, "web")

    def test_an_unchanged_night_writes_ledger_rows_only(
        self, organisation: Any, fake: Any, tmp_path: Path
    ) -> None:
        fake("bandit")
        entry = {"rule": "bad-line", "path": "a.txt", "reason": "x", "owner": "y"}
        file = tmp_path / "waivers.json"  # JSON is YAML
        file.write_text(json.dumps({"waivers": [entry | {"expires": str(LATER)}]}))
        organisation.sections["waivers"] = {"file": str(file)}
        organisation.commit("web", {**TREE, "c.txt": "BAD too\n"})
        organisation.night()
        before = rows(organisation)
        organisation.night()
        after = rows(organisation)
        grown = {name for name in after if after[name] != before[name]}
        assert grown == {"ledger", "runs", "heads", "targets", "manifests"}
        assert len(after["ledger"]) == 2
        assert before["waived"]

    def test_what_is_waived_does_not_fail_a_run(self, organisation: Any, fake: Any) -> None:
        fake("bandit")
        organisation.commit("web", TREE)
        assert organisation.night().result is RunResult.FINDINGS
        with organisation.session() as session:
            _, holds = waive.add(
                session,
                finding="",
                selector=Selector(paths=("*.txt",)),
                reason="x",
                owner="y",
                expires=LATER,
                requester="z",
            )
        assert holds == 1
        assert organisation.night().result is RunResult.CLEAN
        # Nor a look beside the tracked ref that sees the same.
        organisation.git("web", "branch", "topic")
        assert organisation.night(revision="topic").result is RunResult.CLEAN


def rows(organisation: Any) -> dict[str, list[Any]]:
    """Every row of every table."""
    with organisation.session() as session, session.store.reading() as connection:
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in metadata.tables.items()
        }


class TestExploits:
    def test_local_files(self, tmp_path: Path) -> None:
        kev, epss = tmp_path / "kev.json", tmp_path / "epss.csv.gz"
        kev.write_text(json.dumps({"title": "x", "vulnerabilities": [{"cveID": "CVE-1"}]}))
        text = "#model_version:v2025,score_date:2025-03-04\ncve,epss,percentile\nCVE-2,0.5,0.9\n"
        epss.write_bytes(gzip.compress(text.encode()))
        policy = risk_policy(Risk(kev=kev, epss=epss, exposure={"internet": 2}))
        assert policy == RiskPolicy(
            frozenset({"CVE-1"}), {"CVE-2": 0.5}, "exposure", {"internet": 2}
        )
        plain = tmp_path / "epss.csv"
        plain.write_text(text)
        assert risk_policy(Risk(epss=plain)).likely == {"CVE-2": 0.5}
        # Another file under the same name is read anew.
        plain.write_text(text.replace("0.5", "0.625"))
        assert risk_policy(Risk(epss=plain)).likely == {"CVE-2": 0.625}

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("kev", b"{}", "is not CISA's catalogue"),
            ("kev", b"[]", "is not CISA's catalogue"),
            ("kev", b"<html>", "is not CISA's catalogue"),
            ("kev", b'{"vulnerabilities": []}', "names no vulnerability"),
            ("epss", b"", "is not FIRST's EPSS scores"),
            ("epss", b"cve,score\nCVE-1,2\n", "is not FIRST's EPSS scores"),
            ("epss", b"cve,epss\n", "is not FIRST's EPSS scores"),
            ("epss", b"cve,epss\nCVE-1,high\n", "is not FIRST's EPSS scores"),
            ("epss", b"\x1f\x8b broken", "cannot be read"),
        ],
    )
    def test_what_is_none_is_said(
        self, tmp_path: Path, name: str, content: bytes, message: str
    ) -> None:
        file = tmp_path / "file"
        file.write_bytes(content)
        with pytest.raises(BadRequest, match=message):
            risk_policy(Risk(**{name: file}))

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadRequest, match="cannot be read"):
            risk_policy(Risk(kev=tmp_path / "none"))


def test_severities_have_deadlines_by_default() -> None:
    without = {severity for severity in Severity if severity not in Deadlines().days}
    assert without == {Severity.LOW, Severity.INFO}
