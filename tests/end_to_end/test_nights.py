"""Three nights over the demo organisation, by the same use cases as the DAG's tasks."""

from __future__ import annotations

import html
import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from compline.alerts.escape import chat, plain
from compline.alerts.messages import Event, Form, Message, title_of
from compline.alerts.render import subject_line
from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.demo.models import SIGNED
from compline.model import RunResult, Severity, State
from compline.pipeline.graph import reach_of
from compline.pipeline.notify import notify
from compline.pipeline.once import run_once
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request
from compline.pipeline.session import Session, open_session
from compline.store.findings import FindingFilter, FindingView, list_findings
from compline.store.ledger import coverage
from compline.store.outbox import list_deliveries, list_regressions
from compline.store.targets import list_targets

ENVIRONMENT: dict[str, str] = {}
"""What the alerts' references lead to."""

ALWAYS_ASKED = {"stores", "scoring-models", "scoring-log", "fraud-features"}
NEVER_ASKED = {"scoring"}
REACHES_THE_INTERNET = {
    *("stores", "scoring-models", "fraud-features", "fraud-model", "scoring-api"),
    "scoring-image",
}


@pytest.fixture
def heard(
    demo: Any, receiver: Any, slack: Any, mailbox: Any, monkeypatch: pytest.MonkeyPatch
) -> Heard:
    """The demo with three channels, and what they were told."""
    channels = {
        "hook": f"http://{receiver.address}/",
        "slack": "slack://T00000000/B00000000/abcdefghijklmnopqrstuvwx",
        "mail": f"mailto://127.0.0.1:{mailbox.port}/?from=c@demo.example&to=a@demo.example"
        "&mode=insecure",
    }
    for name, address in channels.items():
        monkeypatch.setitem(ENVIRONMENT, name.upper(), address)
    monkeypatch.setitem(ENVIRONMENT, "KEY", "key")
    listed: list[dict[str, str]] = [{"name": n, "url": f"env:{n.upper()}"} for n in channels]
    listed[0]["signing_key"] = "env:KEY"
    demo.change(lambda raw: raw.update(alerts={"channels": listed}))
    return Heard(demo, receiver, slack, mailbox)


class Heard:
    """What the three channels were told since the last time."""

    def __init__(self, demo: Any, receiver: Any, slack: Any, mailbox: Any) -> None:
        self.demo, self.receiver, self.slack, self.mailbox = demo, receiver, slack, mailbox

    def now(self) -> dict[str, list[str]]:
        """Channel to subject lines."""
        slack = [html.unescape(got.json["attachments"][0]["title"]) for got in self.slack.got]
        found = {
            "hook": sorted(got.json["title"] for got in self.receiver.got),
            "slack": sorted(slack),
            # A long word in a folded header leaves one space more.
            "mail": sorted(" ".join(str(m["Subject"]).split()) for m in self.mailbox.mails),
        }
        ids = [got.json["id"] for got in self.receiver.got]
        assert len(ids) == len(set(ids)), "nothing is delivered twice"
        for taken in (self.receiver.got, self.slack.got, self.mailbox.mails):
            taken.clear()
        return found

    def expected(self, run: int) -> dict[str, list[str]]:
        """The subject lines of what the store says got worse, from high on."""
        with look(self.demo) as session:
            worse = [view.regression for view in list_regressions(session.store, run=run)]
        titles = [
            title_of(one)
            for one in worse
            if one.severity is None or one.severity.reaches(Severity.HIGH)
        ]
        messages = [Message("demo", Form.SINGLE, Event.OPENED, "", title, ()) for title in titles]
        manners = {"hook": chat, "slack": chat, "mail": plain}
        return {
            name: sorted(subject_line(message, escape) for message in messages)
            for name, escape in manners.items()
        }


def night(demo: Any, **request: Any) -> tuple[int, RunResult, list[Progress]]:
    told: list[Progress] = []
    secrets = SecretResolver(ENVIRONMENT)
    with open_session(load_config(demo.config), secrets, told.append) as session:
        run, result = run_once(session, Request(**request))
    return run, result, told


def look(demo: Any) -> Session:
    return open_session(load_config(demo.config), SecretResolver(ENVIRONMENT), lambda _p: None)  # type: ignore[return-value]


def by_rule(findings: tuple[FindingView, ...]) -> Counter[tuple[str, str]]:
    return Counter((one.target, one.rule) for one in findings)


def test_three_nights(demo: Any, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    first, result, _ = night(demo)
    assert result is RunResult.FINDINGS
    with look(demo) as session:
        rows = coverage(session.store, first)
        assert {row.outcome for row in rows} <= {"completed", "skipped"}, [
            (row.target, row.scanner, row.reason) for row in rows if row.outcome == "failed"
        ]
        # Nothing answers under the endpoint's address, and the ledger says so.
        unasked = {(row.scanner, row.outcome) for row in rows if row.target in NEVER_ASKED}
        assert unasked == {("endpoint-guard", "skipped"), ("endpoint-dynamic", "skipped")}
        before = {one.id: one for one in list_findings(session.store, FindingFilter())}
        # What is wrong with the stores of its training data reaches what the internet can ask.
        assert reach_of(session, "stores")[-1].asset == "endpoint/scoring"
        exposed = {one.name for one in list_targets(session.store) if one.reaches}
        assert exposed == REACHES_THE_INTERNET
        # The first completed look is the baseline: nobody is alerted of what was there before.
        told_first = [v.regression for v in list_regressions(session.store, run=first)]
        assert {one.kind.value for one in told_first} == {"baseline"}
    assert_each_area_is_seen(tuple(before.values()))
    baselines = heard.now()
    assert baselines == heard.expected(first)
    assert len(baselines["hook"]) >= 5

    assert demo.advance() == ["claims-portal", "fraud-model"]
    heard.receiver.refuse = 3
    second, _, told = night(demo)
    with look(demo) as session:
        after = {one.id: one for one in list_findings(session.store, FindingFilter())}
        regressions = [view.regression for view in list_regressions(session.store, run=second)]
        new = {one.id: one for one in after.values() if one.id not in before}
        assert {one.path for one in new.values()} == {"training/agent.py", "fraud/1"}
        changed = [r for r in regressions if r.kind.value == "model-changed"]
        assert [r.subject for r in changed] == [f"scoring-models/{SIGNED}"]
        assert {r.subject for r in regressions if r.kind.value == "new"} <= set(new)
        assert any("exec" in one.title.lower() for one in new.values())
        gone = [before[i] for i in before if after[i].state is State.RESOLVED]
        assert {one.path for one in gone} == {"portal/settings.py"}
        # What did not change keeps its id and stays open.
        assert all(after[i].state is State.OPEN for i in before if before[i] not in gone)
    assert any(progress.text.startswith("ALERT") for progress in told)
    assert heard.receiver.got == [], "it is down"
    hours = itertools.count(1)
    real = Session.now
    with look(demo) as session:
        while list_deliveries(session.store, state="pending"):
            ahead = timedelta(hours=next(hours))
            monkeypatch.setattr(Session, "now", lambda self, ahead=ahead: real(self) + ahead)
            notify(session)
        monkeypatch.setattr(Session, "now", real)
    assert heard.receiver.refuse == 0
    expected = heard.expected(second)
    assert expected["hook"]
    told_of = {one["target"]: one for got in heard.receiver.got for one in got.json["entries"]}
    assert told_of["scoring-models"]["reaches"][0] == "endpoint/scoring"
    assert any("reaches: endpoint/scoring" in got.json["text"] for got in heard.receiver.got)
    assert heard.now() == expected

    third, _, told = night(demo)
    with look(demo) as session:
        rows = coverage(session.store, third)
        scanned = [
            row
            for row in rows
            if row.reused_from is None and row.target not in ALWAYS_ASKED | NEVER_ASKED
        ]
        assert scanned == []
        assert {
            one.id: one.as_json()["state"] for one in list_findings(session.store, FindingFilter())
        } == {i: one.as_json()["state"] for i, one in after.items()}
        assert list_regressions(session.store, run=third) == ()
    assert not any(progress.text.startswith("ALERT") for progress in told)
    assert heard.now() == {"hook": [], "slack": [], "mail": []}
    with look(demo) as session:
        assert {one.run for one in list_deliveries(session.store)} == {first, second}


def assert_each_area_is_seen(findings: tuple[FindingView, ...]) -> None:
    """A bad repository per area, and nothing in the good one."""
    targets = Counter(one.target for one in findings)
    assert targets["steady-tool"] == 0, by_rule(findings)
    for bad in ("fraud-model", "claims-portal", "scoring-api", "platform-infra"):
        assert targets[bad] > 0
    assert targets["scoring-image"] > 0
    for bad in ("stores", "scoring-models", "scoring-log", "fraud-features"):
        assert targets[bad] > 0
    kinds = {one.kind.value for one in findings}
    assert {"code", "dependency", "secret", "misconfiguration", "access"} <= kinds
