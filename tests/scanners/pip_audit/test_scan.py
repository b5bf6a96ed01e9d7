"""pip-audit over whole repositories, with the real tool."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from looks import completed, one

from compline.advisories.osv import BUNDLED
from compline.model import Completed, Failed, FindingKind, Gap, GapReason, Look, Severity
from compline.scanners.interface import CannotScan
from compline.scanners.pip_audit import tool as pip_audit_tool
from compline.scanners.pip_audit.scanner import PipAudit
from compline.source.snapshot import SourceError
from compline.tools.process import Aborted

SAMPLE = {
    "werkzeug": "0.11",
    "flask": "2.0.0",
    "mlflow": "2.0.1",
    "langchain": "0.0.200",
    "pyyaml": "5.3",
    "gradio": "3.30.0",
}
SHOP = {
    "requirements.txt": "".join(f"{name}=={version}\n" for name, version in SAMPLE.items())
    + "numpy>=1.20\nnumpy\n",
    "uv.lock": 'version = 1\n\n[[package]]\nname = "flask"\nversion = "2.0.0"\n\n'
    '[[package]]\nname = "flask"\nversion = "2.3.3"\n',
    "vendor/requirements.txt": "flask==2.0.0\n",
    "notes.ipynb": json.dumps(
        {"cells": [{"cell_type": "code", "source": "%pip install flask==2.0.1\n"}]}
    ),
    "model.bin": b"\x00\x01",
}
SUBMODULE = Gap(GapReason.SUBMODULE, "third")
LARGE = Gap(GapReason.TOO_LARGE, "data.csv")


@pytest.fixture(scope="module")
def shop(repository: Any) -> Any:
    return repository(SHOP, "shop", [SUBMODULE, LARGE])


@pytest.fixture(scope="module")
def night(new_scene: Any, toolbox: Any, shop: Any, repository: Any) -> tuple[Any, list[Look]]:
    """A first night over two repositories, the second of them without anything Python."""
    scene = new_scene()
    docs = repository({"README.md": "hello"}, "docs")
    looks = list(PipAudit().scan([shop.job(), docs.job()], scene.context(toolbox)))
    return scene, looks


def test_each_repository_has_one_look(night: Any) -> None:
    _, looks = night
    assert [look.target for look in looks] == ["shop", "docs"]
    docs = looks[1]
    # Nothing required is looked at and found clean: what was required before resolves.
    assert docs.outcome == Completed((), ())
    for look in looks:
        assert look.tool_version == "2.10.1"
        assert look.advisory_date == "2024-10-10"
        assert look.fresh
        assert look.seconds > 0
        (warning,) = look.warnings
        assert warning.startswith(
            "stale advisories: OSV advisories are 448 days old (2024-10-10), the limit is 7"
        )
    assert looks[0].sandbox in ("bubblewrap", "limits")


def test_every_advisory_stands_at_every_manifest(night: Any) -> None:
    found = completed(night[1][0]).observations
    dependencies = [each for each in found if each.kind is FindingKind.DEPENDENCY]
    by_path: dict[str, int] = {}
    for each in dependencies:
        by_path[each.place.path] = by_path.get(each.place.path, 0) + 1
    assert by_path == {"requirements.txt": 32, "uv.lock": 1, "notes.ipynb": 1}
    flask = {each.place.path: each for each in dependencies if each.subject == "pypi:flask"}
    at_lock = flask["uv.lock"]
    assert (at_lock.place.line, at_lock.place.end_line) == (3, 6)
    assert at_lock.rule == "CVE-2023-30861"
    assert at_lock.aliases == ("CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62")
    assert at_lock.package is not None
    assert (at_lock.package.version, at_lock.package.fixed_version) == ("2.0.0", "2.2.5")
    assert at_lock.severity is Severity.UNKNOWN
    assert len(at_lock.place.blob) == 40
    assert flask["notes.ipynb"].place.cell == 1
    assert flask["requirements.txt"].place.line == 2


def test_severity_is_that_of_the_vector(night: Any) -> None:
    found = {each.rule: each for each in completed(night[1][0]).observations}
    rated = {each.severity for each in found.values() if dict(each.details).get("cvss")}
    assert rated
    assert rated <= {Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL}
    unrated = [each for each in found.values() if each.kind is FindingKind.DEPENDENCY]
    assert all(
        each.severity is Severity.UNKNOWN for each in unrated if "cvss" not in dict(each.details)
    )


def test_what_is_unpinned_is_a_finding_and_a_gap(night: Any) -> None:
    outcome = completed(night[1][0])
    (loose,) = (each for each in outcome.observations if each.rule == "unpinned-requirement")
    assert (loose.kind, loose.subject) == (FindingKind.MISCONFIGURATION, "pypi:numpy")
    assert (loose.place.path, loose.place.line) == ("requirements.txt", 7)
    assert [gap.reason for gap in outcome.gaps] == [
        GapReason.SUBMODULE,
        GapReason.VENDORED,
        GapReason.UNPINNED,
    ]
    assert outcome.gaps[1] == Gap(
        GapReason.VENDORED, "vendor/", "left out by `ignore` in the configuration", 1
    )
    assert LARGE not in outcome.gaps  # no manifest
    assert outcome.gaps[2].subjects == ("pypi:numpy",)


def test_the_evidence_names_every_release_that_was_looked_up(night: Any) -> None:
    scene, looks = night
    (digest,) = looks[0].evidence
    evidence = json.loads(_locked(scene, digest))
    assert {(each["name"], each["version"]) for each in evidence["releases"]} == {
        *SAMPLE.items(),
        ("flask", "2.0.1"),
        ("flask", "2.3.3"),
    }
    assert evidence["advisories"]["date"] == "2024-10-10"


def _locked(scene: Any, digest: str) -> bytes:
    content: bytes = gzip.decompress(
        (scene.home / "evidence" / digest[:2] / f"{digest}.gz").read_bytes()
    )
    return content


class Counted:
    """Counts processes, and lets them run."""

    def __init__(self) -> None:
        self.count = 0
        self._run = pip_audit_tool.run

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.count += 1
        return self._run(*arguments, **options)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr(pip_audit_tool, "run", counted)
    return counted


def test_an_unchanged_night_starts_nothing_and_says_the_same(
    night: Any, toolbox: Any, shop: Any, processes: Counted
) -> None:
    scene, looks = night
    opened = shop.opened
    look = one(PipAudit().scan([shop.job()], scene.context(toolbox)))
    assert look.outcome == looks[0].outcome
    assert look.evidence == looks[0].evidence
    assert not look.fresh
    assert (shop.opened, processes.count) == (opened, 0)


def test_a_fresh_look_reads_no_cache(
    night: Any, toolbox: Any, shop: Any, processes: Counted
) -> None:
    scene, looks = night
    opened = shop.opened
    look = one(PipAudit().scan([shop.job(fresh=True)], scene.context(toolbox)))
    assert look.outcome == looks[0].outcome
    assert look.fresh
    assert (shop.opened, processes.count) == (opened + 1, 1)


def test_new_advisories_recheck_what_is_stored_without_git(
    night: Any, toolbox: Any, shop: Any, tmp_path: Path, processes: Counted
) -> None:
    scene, looks = night
    records = gzip.decompress((BUNDLED / "pypi.osv.jsonl.gz").read_bytes())
    new = {
        "id": "PYSEC-2025-1",
        "aliases": ["CVE-2025-1"],
        "modified": "2025-12-30T00:00:00Z",
        "affected": [{"package": {"name": "flask", "ecosystem": "PyPI"}, "versions": ["2.3.3"]}],
    }
    (tmp_path / "more.jsonl").write_bytes(records + json.dumps(new).encode())
    advisories = {"osv": str(tmp_path / "more.jsonl"), "trivy_db": "bundled"}
    context = scene.context(toolbox, advisories=advisories)
    opened = shop.opened
    before = PipAudit().scan_key(scene.context(toolbox))
    after = PipAudit().scan_key(context)
    assert before.advisories != after.advisories
    assert before.options == after.options
    look = one(PipAudit().scan([shop.job()], context))
    found = {(each.rule, each.place.path) for each in completed(look).observations}
    known = {(each.rule, each.place.path) for each in completed(looks[0]).observations}
    assert found - known == {("CVE-2025-1", "uv.lock")}
    assert look.advisory_date == "2025-12-30"
    assert look.warnings == ()
    assert shop.opened == opened
    assert processes.count == 2  # the canary alone under the new data, and the audit


def test_without_a_tool_or_advisories_nothing_is_said(
    scene: Any, toolbox: Any, shop: Any, tmp_path: Path
) -> None:
    gone = {"osv": str(tmp_path / "gone.zip"), "trivy_db": "bundled"}
    with pytest.raises(CannotScan, match="no advisory data"):
        list(PipAudit().scan([shop.job()], scene.context(toolbox, advisories=gone)))


def test_a_repository_that_cannot_be_fetched_fails_alone(
    night: Any, toolbox: Any, shop: Any, repository: Any
) -> None:
    scene, looks = night
    gone = repository(SHOP, "gone").job(fresh=True)

    def refuse() -> Any:
        raise SourceError("no such repository")

    gone.open_snapshot = refuse
    by_target = {
        look.target: look for look in PipAudit().scan([gone, shop.job()], scene.context(toolbox))
    }
    assert by_target["gone"].outcome == Failed("no such repository")
    assert by_target["shop"].outcome == looks[0].outcome


def test_a_broken_audit_fails_those_who_need_it(
    night: Any, toolbox: Any, shop: Any, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, looks = night

    def broken(*_arguments: Any, **_options: Any) -> Any:
        raise Aborted("ended by signal SIGKILL")

    monkeypatch.setattr(pip_audit_tool, "run", broken)
    new = repository({"requirements.txt": "unknown-so-far==1.0\n"}, "new")
    by_target = {
        look.target: look
        for look in PipAudit().scan([new.job(), shop.job()], scene.context(toolbox))
    }
    failed = by_target["new"].outcome
    assert isinstance(failed, Failed)
    assert "gave no answer: ended by signal SIGKILL" in failed.error
    assert by_target["shop"].outcome == looks[0].outcome
