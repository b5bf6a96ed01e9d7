"""Reading findings: filters, order, cursor, counts, and the JSON that the command line prints."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from compline.model import FilesRead, FindingKind, Gap, GapReason, Severity, State
from compline.store.engine import StoreError
from compline.store.findings import (
    FindingFilter,
    count_findings,
    finding_events,
    get_finding,
    list_findings,
)
from compline.store.ledger import coverage
from compline.store.targets import sync_targets


@pytest.fixture
def mixed(store: Any, kit: Any) -> Any:
    """Two targets, three scanners, all severities, one resolved."""
    api, web = kit.site(store, "api"), kit.site(store, "web")
    sync_targets(store, [api.target, web.target], kit.start)
    api.night_of(kit.scan({"a.py": "exec(a)\nexec(b)\n"}, severity=Severity.MEDIUM))
    api.night_of(
        kit.scan({"a.py": "exec(a)\n"}, severity=Severity.MEDIUM),
        scan_key=kit.other_key(rules="r2"),
    )
    api.record(api.look([kit.advisory(severity=Severity.CRITICAL)], "pip-audit"))
    web.night = api.night
    web.run = api.run
    web.record(
        web.look(
            [
                kit.advisory(severity=Severity.UNKNOWN),
                kit.advisory(rule="GHSA-2", severity=Severity.LOW),
            ],
            "trivy",
        )
    )
    return api


@pytest.mark.parametrize(
    ("which", "severities"),
    [
        ({}, ["critical", "unknown", "medium", "medium", "low"]),
        ({"states": (State.OPEN,)}, ["critical", "unknown", "medium", "low"]),
        ({"states": (State.RESOLVED,)}, ["medium"]),
        ({"severities": (Severity.LOW, Severity.CRITICAL)}, ["critical", "low"]),
        ({"at_least": Severity.HIGH}, ["critical", "unknown"]),
        ({"targets": ("web",)}, ["unknown", "low"]),
        ({"scanners": ("bandit",)}, ["medium", "medium"]),
        ({"scanners": ("trivy", "pip-audit")}, ["critical", "unknown", "low"]),
        ({"kinds": (FindingKind.CODE,)}, ["medium", "medium"]),
        ({"since_run": 2}, ["critical", "unknown", "low"]),
        ({"targets": ("web",), "at_least": Severity.CRITICAL}, []),
        ({"targets": ("nobody",)}, []),
    ],
)
def test_filters(mixed: Any, which: dict[str, Any], severities: list[str]) -> None:
    found = list_findings(mixed.store, FindingFilter(**which))
    assert sorted(finding.severity for finding in found) == sorted(severities)
    ranks = [finding.severity.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True)
    counts = count_findings(mixed.store, FindingFilter(**which))
    assert sum(counts.values()) == len(severities)


def test_counts(mixed: Any) -> None:
    assert count_findings(mixed.store) == {
        ("api", Severity.CRITICAL, State.OPEN): 1,
        ("api", Severity.MEDIUM, State.OPEN): 1,
        ("api", Severity.MEDIUM, State.RESOLVED): 1,
        ("web", Severity.UNKNOWN, State.OPEN): 1,
        ("web", Severity.LOW, State.OPEN): 1,
    }


def test_pages_follow_each_other(mixed: Any) -> None:
    whole = list_findings(mixed.store)
    pages, after = [], None
    while page := list_findings(mixed.store, limit=2, after=after):
        pages += page
        after = page[-1].id
    assert tuple(pages) == whole
    with pytest.raises(StoreError, match="no finding 'CMP-X'"):
        list_findings(mixed.store, after="CMP-X")


def test_by_id(mixed: Any) -> None:
    one = list_findings(mixed.store)[2]
    assert list_findings(mixed.store, FindingFilter(ids=(one.id,))) == (one,)
    assert get_finding(mixed.store, one.id) == one
    for call in (get_finding, finding_events):
        with pytest.raises(StoreError, match="`compline findings` lists them"):
            call(mixed.store, "CMP-X")


def test_the_json_has_everything(site: Any, kit: Any) -> None:
    text = {"a.py": "def f(x):\n    exec(x)\n"}
    site.night_of(kit.scan(text))
    site.night_of(kit.scan({"a.py": "\n" + text["a.py"]}), "c2")
    (finding,) = site.open()
    values = json.loads(json.dumps(finding.as_json()))
    witness = values["witnesses"][0]
    assert witness.pop("fingerprint").startswith("py-ast/1:")
    assert values == {
        "id": finding.id,
        "target": "api",
        "kind": "code",
        "state": "open",
        "conditions": [],
        "severity": "high",
        "confidence": "medium",
        "title": "exec is used",
        "rule": "exec-used",
        "path": "a.py",
        "line": 3,
        "package": "",
        "version": "",
        "fixed_version": "",
        "aliases": [],
        "cwe": ["CWE-78"],
        "first_seen": (kit.start + timedelta(days=1)).isoformat(),
        "last_seen": (kit.start + timedelta(days=2)).isoformat(),
        "revision": "c2",
        "resolved_at": None,
        "cause": "",
        "risk": 3_000_000,
        "due_at": None,
        "waived_until": None,
        "locations": [{"path": "a.py", "line": 3, "end_line": 3, "cell": None, "symbol": "f"}],
        "witnesses": [
            {
                "scanner": "bandit",
                "rule": "exec-used",
                "state": "seen",
                "path": "a.py",
                "line": 3,
                "end_line": 3,
                "column": 5,
                "end_column": 12,
                "cell": None,
                "symbol": "f",
                "severity": "high",
                "confidence": "medium",
                "title": "exec is used",
                "version": "",
                "fixed_version": "",
                "aliases": [],
                "suppression": "",
                "details": {},
                "first_seen": (kit.start + timedelta(days=1)).isoformat(),
                "last_seen": (kit.start + timedelta(days=2)).isoformat(),
            }
        ],
    }


def test_the_ledgers_json_has_everything(site: Any, kit: Any) -> None:
    site.night_of(
        (),
        gaps=[Gap(GapReason.UNPARSED, "b.py")],
        warnings=("old",),
        tool_version="1.9",
        advisory_date="2025-01-01",
        sandbox="bubblewrap",
        files=FilesRead(2, 5),
        seconds=1.5,
    )
    (row,) = coverage(site.store, site.run)
    assert json.loads(json.dumps(row.as_json())) == {
        "run": site.run,
        "target": "api",
        "scanner": "bandit",
        "outcome": "completed",
        "result": "recorded",
        "reason": "",
        "gaps": [{"reason": "unparsed", "path": "b.py", "count": 1}],
        "warnings": ["old"],
        "revision": "c1",
        "ref": "refs/heads/main",
        "tool_version": "1.9",
        "scan_key": kit.key.digest,
        "advisory_date": "2025-01-01",
        "reused_from": None,
        "sandbox": "bubblewrap",
        "files": {"read": 2, "files": 5},
        "seconds": 1.5,
        "observations": 0,
        "looked_at": site.now.isoformat(),
        "evidence": [],
    }
