"""Reading pip-audit's report, and when not to believe it; recorded reports and played processes."""

from __future__ import annotations

import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.index import OsvIndex
from compline.advisories.osv import BUNDLED
from compline.advisories.records import Record, read_records
from compline.config.schema import Limits
from compline.model import Severity
from compline.scanners.pip_audit import tool as pip_audit_tool
from compline.scanners.pip_audit.tool import (
    Answer,
    Audit,
    AuditFailed,
    Vulnerability,
    audit,
    lock_of,
    parse,
    preferred,
)
from compline.tools.process import Aborted, Finished, TimedOut
from compline.tools.toolbox import Tool

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def finished(stdout: bytes | str, code: int = 0) -> Finished:
    content = stdout.encode() if isinstance(stdout, str) else stdout
    return Finished(code, content, b"", 0.1, "limits")


def test_the_recorded_report_whole() -> None:
    index = OsvIndex(read_records(BUNDLED / "pypi.osv.jsonl.gz"), "bundled")
    report = (GOLDEN / "report.json").read_bytes()
    releases = [(each["name"], each["version"]) for each in json.loads(report)["dependencies"]]
    records = {
        (name, version): index.affecting(name, Version(version)) for name, version in releases
    }
    found = parse(finished(report, 1), records, NOW)
    plain = {
        f"{name}=={version}": json.loads(json.dumps(list(map(asdict, answer.vulnerabilities))))
        for (name, version), answer in found.items()
    }
    assert plain == json.loads((GOLDEN / "expected.json").read_text())


def test_severity_and_weakness_come_from_the_record_behind() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    record: Record = {
        "id": "GHSA-1",
        "aliases": ["CVE-2024-1"],
        "severity": [{"type": "CVSS_V3", "score": vector}],
        "database_specific": {"cwe_ids": ["CWE-502", "CWE-20"]},
    }
    other: Record = {"id": "GHSA-2", "database_specific": {"severity": "CRITICAL"}}
    report = {
        "dependencies": [
            {
                "name": "Shop",
                "version": "1.0",
                "vulns": [{"id": "CVE-2024-1", "aliases": ["PYSEC-9"], "fix_versions": ["2.0"]}],
            }
        ],
        "fixes": [],
    }
    found = parse(finished(json.dumps(report)), {("shop", "1.0"): [other, record]}, NOW)
    assert found["shop", "1.0"].vulnerabilities == (
        Vulnerability(
            "CVE-2024-1",
            ("CVE-2024-1", "PYSEC-9"),
            ("2.0",),
            Severity.CRITICAL,
            vector,
            ("CWE-20", "CWE-502"),
        ),
    )


def test_two_records_of_one_cve_are_one_advisory() -> None:
    vulns = [
        {"id": "PYSEC-1", "aliases": ["CVE-2024-1"], "fix_versions": ["1.10"]},
        {"id": "GHSA-1", "aliases": ["CVE-2024-1"], "fix_versions": ["1.9"]},
    ]
    report = {"dependencies": [{"name": "shop", "version": "1.0", "vulns": vulns}]}
    (one,) = parse(finished(json.dumps(report)), {}, NOW)["shop", "1.0"].vulnerabilities
    assert one.ids == ("CVE-2024-1", "GHSA-1", "PYSEC-1")
    assert one.fixed == ("1.9", "1.10")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["PYSEC-2", "GHSA-1", "CVE-2024-9", "CVE-2024-1"], "CVE-2024-1"),
        (["PYSEC-2", "GHSA-1"], "GHSA-1"),
        (["PYSEC-2", "OSV-1"], "PYSEC-2"),
        (["X-2", "OSV-1"], "OSV-1"),
    ],
)
def test_the_id_to_go_by(ids: list[str], expected: str) -> None:
    assert preferred(ids) == expected


@pytest.mark.parametrize(
    ("stdout", "code"),
    [
        ("", 1),  # without network it ends so, as if it had found something
        ("", 0),
        ("Traceback (most recent call last)", 1),
        ('{"dependencies": [', 0),
        ("[]", 0),
        ("{}", 0),
        ('{"dependencies": [{"name": "x"}]}', 0),
        ('{"dependencies": [{"name": "x", "version": "?", "vulns": []}]}', 0),
        ('{"dependencies": [{"name": "x", "version": "1", "vulns": [{}]}]}', 0),
        ("[" * 100_000, 0),
        ('{"dependencies": []}', 2),
        ('{"dependencies": []}', 137),
    ],
)
def test_what_is_no_report_is_a_failure_and_never_clean(stdout: str, code: int) -> None:
    with pytest.raises(AuditFailed):
        parse(finished(stdout, code), {}, NOW)


def test_the_lock_that_it_gets_may_name_a_package_twice() -> None:
    text = lock_of([("flask", "2.0.0"), ("flask", "2.3.3")])
    assert [(each["name"], each["version"]) for each in tomllib.loads(text)["packages"]] == [
        ("flask", "2.0.0"),
        ("flask", "2.3.3"),
    ]


class Source:
    """Knows one vulnerable release."""

    def __init__(self, error: str = "") -> None:
        self.error = error

    def affecting(self, name: str, version: Version) -> list[Record]:
        if self.error:
            raise AdvisoryError(self.error)
        return [{"id": "PYSEC-1"}] if (name, str(version)) == ("bad", "1.0") else []

    def known_vulnerable(self) -> tuple[str, str]:
        return "bad", "1.0"

    def close(self) -> None:
        pass


@dataclass
class Played:
    """Plays pip-audit: reads the lock that it is given, reports what the test wants."""

    leave_out: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    blind: bool = False
    error: Exception | None = None
    ask: bool = False
    given: list[list[str]] = field(default_factory=list)

    def __call__(self, argv: Sequence[object], **options: Any) -> Finished:
        if self.error is not None:
            raise self.error
        lock = tomllib.loads((Path(str(argv[-1])) / "pylock.toml").read_text())
        self.given.append([each["name"] for each in lock["packages"]])
        if self.ask:
            self._asks(str(argv[argv.index("--osv-url") + 1]))
        report = []
        for each in lock["packages"]:
            name, version = each["name"], each["version"]
            if name in self.skip:
                report.append({"name": name, "skip_reason": "no such release"})
            elif name not in self.leave_out:
                known = [] if name != "bad" or self.blind else [_ONE]
                report.append({"name": name, "version": version, "vulns": known})
        return finished(json.dumps({"dependencies": report}))

    def _asks(self, url: str) -> None:
        request = urllib.request.Request(
            url, b'{"package": {"name": "x", "ecosystem": "PyPI"}, "version": "1"}'
        )
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=5)


_ONE = {"id": "PYSEC-1", "aliases": [], "fix_versions": []}


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[..., Audit]]:
    def make(played: Played, error: str = "") -> Callable[..., Audit]:
        monkeypatch.setattr(pip_audit_tool, "run", played)
        tool = Tool("pip-audit", Path("/nowhere/pip-audit"), "2.10.1", "d", Path("/nowhere"))

        def ask(*names: str, processes: int = 1) -> Audit:
            releases = [(name, "1.0") for name in names]
            return audit(
                releases, Source(error), tool, limits=Limits(), processes=processes, now=NOW
            )

        return ask

    return make


def test_the_canary_rides_along_and_shows_up_nowhere(play: Any) -> None:
    played = Played()
    answers = play(played)("good").answers
    assert played.given == [["good", "bad"]]
    assert answers == {("good", "1.0"): Answer((), NOW)}
    # Unless it is required: then it is a finding like any other.
    assert play(Played())("bad").answers["bad", "1.0"].vulnerabilities[0].rule == "PYSEC-1"


def test_each_process_has_its_own_canary(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip_audit_tool, "_PER_PROCESS", 1)
    played = Played()
    answers = play(played)("a", "b", "c", "d", processes=2).answers
    assert sorted(played.given) == [["a", "c", "bad"], ["b", "d", "bad"]]
    assert len(answers) == 4


def test_a_missed_canary_makes_all_of_it_worthless(play: Any) -> None:
    with pytest.raises(AuditFailed, match="missed its canary"):
        play(Played(blind=True))("good")
    with pytest.raises(AuditFailed, match="missed its canary"):
        play(Played(leave_out=("bad",)))("good")


def test_what_it_does_not_report_has_no_answer(play: Any) -> None:
    answers = play(Played(leave_out=("gone",), skip=("odd",)))("good", "gone", "odd").answers
    assert set(answers) == {("good", "1.0"), ("odd", "1.0")}
    assert answers["odd", "1.0"].skipped == "no such release"


@pytest.mark.parametrize("error", [TimedOut("too long"), Aborted("ended by signal SIGKILL")])
def test_a_process_that_was_ended_is_a_failure(play: Any, error: Exception) -> None:
    with pytest.raises(AuditFailed, match=r"gave no answer: (too long|ended by signal)"):
        play(Played(error=error))("good")


def test_advisories_that_cannot_be_had_are_the_failure_that_is_told(play: Any) -> None:
    with pytest.raises(AuditFailed, match="no way to the service"):
        play(Played(ask=True), "no way to the service")("good")
