"""pip-audit with a live service of advisories: how long an answer counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from looks import completed, one
from packaging.version import Version

from compline.advisories import osv
from compline.advisories.errors import AdvisoryError
from compline.advisories.records import Record
from compline.model import Failed, Look, Severity
from compline.scanners.pip_audit import scanner as pip_audit
from compline.scanners.pip_audit.scanner import PipAudit
from compline.scanners.pip_audit.tool import Answer, Audit, AuditFailed, Vulnerability


class Live:
    """Plays the public service."""

    def __init__(self, affected: Sequence[str] = ("bad",), error: str = "") -> None:
        self.affected = affected
        self.error = error
        self.asked: list[str] = []

    def affecting(self, name: str, version: Version) -> list[Record]:
        if self.error:
            raise AdvisoryError(self.error)
        self.asked.append(f"{name}=={version}")
        if name not in self.affected:
            return []
        package = {"name": name, "ecosystem": "PyPI"}
        return [{"id": f"PYSEC-{name}", "affected": [{"package": package}]}]

    def known_vulnerable(self) -> tuple[str, str]:
        return "pyyaml", "5.3"

    def close(self) -> None:
        pass


def _asked(releases: Sequence[Any], source: Live, *_: Any, now: datetime, **__: Any) -> Audit:
    """In pip-audit's place: what the source says."""

    def known(name: str, version: str) -> tuple[Vulnerability, ...]:
        try:
            records = source.affecting(name, Version(version))
        except AdvisoryError as error:
            raise AuditFailed(str(error)) from error
        return tuple(
            Vulnerability(each["id"], (each["id"],), (), Severity.UNKNOWN, "", ())
            for each in records
        )

    return Audit({release: Answer(known(*release), now) for release in releases}, "")


def test_live_answers_are_kept_for_as_long_as_they_may(
    scene: Any, toolbox: Any, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live()
    monkeypatch.setattr(osv, "OsvOnline", lambda: live)
    monkeypatch.setattr(pip_audit, "audit", _asked)
    repo = repository({"requirements.txt": "bad==1.0\ngood==1.0\n"})
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def look_after(hours: float) -> tuple[Look, list[str]]:
        live.asked.clear()
        online = {"osv": "online", "trivy_db": "bundled", "recheck_hours": 12}
        context = scene.context(toolbox, now=start + timedelta(hours=hours), advisories=online)
        look = one(PipAudit().scan([repo.job()], context))
        return look, sorted(live.asked)

    first, asked = look_after(0)
    assert asked == ["bad==1.0", "good==1.0"]
    assert [each.rule for each in completed(first).observations] == ["PYSEC-bad"]
    assert first.warnings == ()
    again, asked = look_after(11)
    assert asked == []
    assert not again.fresh
    later, asked = look_after(12.5)
    assert asked == ["bad==1.0", "good==1.0"]
    # The ledger's reuse ends with the span; only then is the scanner called again.
    assert first.scan_key == again.scan_key != later.scan_key
    live.affected = ("good",)
    moved, _ = look_after(25)
    assert [each.rule for each in completed(moved).observations] == ["PYSEC-good"]
    live.error = "the OSV service cannot be asked (timed out)"
    assert one(iter([look_after(26)[0]])).outcome == moved.outcome
    failed, _ = look_after(40)
    assert failed.outcome == Failed("the OSV service cannot be asked (timed out)")
