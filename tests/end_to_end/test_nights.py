"""Three nights over the demo organisation, by the same use cases as the DAG's tasks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from compline.cli.scan import run_once
from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.model import RunResult, State
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request
from compline.pipeline.session import Session, open_session
from compline.store.findings import FindingFilter, FindingView, list_findings
from compline.store.ledger import coverage
from compline.store.outbox import list_deliveries, list_regressions


def night(demo: Any, **request: Any) -> tuple[int, RunResult, list[Progress]]:
    told: list[Progress] = []
    with open_session(load_config(demo.config), SecretResolver({}), told.append) as session:
        run, result = run_once(session, Request(**request))
    return run, result, told


def look(demo: Any) -> Session:
    return open_session(load_config(demo.config), SecretResolver({}), lambda _p: None)  # type: ignore[return-value]


def by_rule(findings: tuple[FindingView, ...]) -> Counter[tuple[str, str]]:
    return Counter((one.target, one.rule) for one in findings)


def test_three_nights(demo: Any) -> None:
    first, result, _ = night(demo)
    assert result is RunResult.FINDINGS
    with look(demo) as session:
        rows = coverage(session.store, first)
        assert {row.outcome for row in rows} <= {"completed", "skipped"}, [
            (row.target, row.scanner, row.reason) for row in rows if row.outcome == "failed"
        ]
        before = {one.id: one for one in list_findings(session.store, FindingFilter())}
        # The first completed look is the baseline: nobody is alerted of what was there before.
        assert [
            v for v in list_regressions(session.store, run=first) if v.regression.severity
        ] == []
    assert_each_area_is_seen(tuple(before.values()))

    assert demo.advance() == ["claims-portal", "fraud-model"]
    second, _, told = night(demo)
    with look(demo) as session:
        after = {one.id: one for one in list_findings(session.store, FindingFilter())}
        regressions = [view.regression for view in list_regressions(session.store, run=second)]
        new = {one.id: one for one in after.values() if one.id not in before}
        assert {one.path for one in new.values()} == {"training/agent.py"}
        assert {r.subject for r in regressions if r.kind.value == "new"} <= set(new)
        assert any("exec" in one.title.lower() for one in new.values())
        gone = [before[i] for i in before if after[i].state is State.RESOLVED]
        assert {one.path for one in gone} == {"portal/settings.py"}
        # What did not change keeps its id and stays open.
        assert all(after[i].state is State.OPEN for i in before if before[i] not in gone)
        delivered = list_deliveries(session.store)
        assert {d.payload["subject"] for d in delivered if d.run == second}
    assert any(progress.text.startswith("ALERT") for progress in told)

    third, _, told = night(demo)
    with look(demo) as session:
        rows = coverage(session.store, third)
        scanned = [row for row in rows if row.reused_from is None and row.target != "stores"]
        assert scanned == []
        assert {
            one.id: one.as_json()["state"] for one in list_findings(session.store, FindingFilter())
        } == {i: one.as_json()["state"] for i, one in after.items()}
        assert list_regressions(session.store, run=third) == ()
    assert not any(progress.text.startswith("ALERT") for progress in told)


def assert_each_area_is_seen(findings: tuple[FindingView, ...]) -> None:
    """A bad repository per area, and nothing in the good one."""
    targets = Counter(one.target for one in findings)
    assert targets["steady-tool"] == 0, by_rule(findings)
    for bad in ("fraud-model", "claims-portal", "scoring-api", "platform-infra"):
        assert targets[bad] > 0
    assert targets["scoring-image"] > 0
    assert targets["stores"] > 0
    kinds = {one.kind.value for one in findings}
    assert {"code", "dependency", "secret", "misconfiguration", "access"} <= kinds
