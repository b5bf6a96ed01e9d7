"""One finding's life, from its events to the messages about it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from compline.pipeline.explain import explain, told
from compline.store.engine import StoreError
from compline.store.findings import list_findings
from compline.store.schema import deliveries, threads, waived, waivers


def of(session: Any) -> str:
    (found,) = list_findings(session.store)
    return found.id


def test_a_life_from_beginning_to_end(archive: Any, kit: Any) -> None:
    archive.run()
    archive.run(kit.seen())
    archive.run()
    archive.run(kit.seen(4))
    with archive.session() as session:
        life = explain(session, of(session))
    assert [event.kind for event in life.events] == ["opened", "resolved", "reopened"]
    assert [told(event) for event in life.events] == [
        "opened in run 2 (code)",
        "resolved in run 3 (code)",
        "reopened in run 4 (code)",
    ]
    assert life.why == "reopened in run 4 by bandit at c4: code changed"
    (proof,) = life.proofs
    assert proof.trouble == ""
    assert [one.regression.kind.value for one in life.regressions] == ["new", "reopened"]
    assert (life.waivers, life.deliveries, life.waiting) == ((), (), 0)


def test_why_a_resolved_one_is(archive: Any, kit: Any) -> None:
    archive.run(kit.seen())
    archive.run()
    with archive.session() as session:
        life = explain(session, of(session))
    assert life.why == "resolved in run 2 by bandit at c2: code changed"
    assert life.proofs[0].look.state == "gone"


def test_waivers_and_messages(archive: Any, kit: Any) -> None:
    archive.run()
    archive.run(kit.seen())
    with archive.session() as session:
        finding = of(session)
        now, later = archive.now, archive.now + timedelta(days=30)
        with session.store.writing() as connection:
            connection.execute(
                insert(waivers).values(
                    id="WVR-1", source="cli", finding_id=finding, selector={}, reason="a test",
                    owner="ana", requester="ana", approver="", origin={}, created_at=now,
                    expires_at=later, state="active", ended_by="",
                )
            )  # fmt: skip
            connection.execute(
                insert(waived).values(
                    waiver_id="WVR-1", finding_id=finding, since=now, rank=3, code=[],
                    void_reason="",
                )
            )  # fmt: skip
            connection.execute(
                insert(deliveries).values(
                    id="d-1", channel="mail", rule="", event="opened", subject="x", thread="d-1",
                    payload={}, state="delivered", attempts=1, not_before=now, error="",
                    created_at=now, delivered_at=now,
                )
            )  # fmt: skip
            connection.execute(
                insert(threads).values(
                    channel="mail", subject="x", rule="", kind="new", about=finding, target="api",
                    scanner="bandit", severity="high", title="x", root="d-1", state="open",
                    opened_at=now, last_sent_at=now, reminders=0,
                )
            )  # fmt: skip
        life = explain(session, finding)
    (one,) = life.waivers
    assert (one.view.waiver.id, one.hold is not None) == ("WVR-1", True)
    (note,) = life.deliveries
    assert (note.id, note.channel, note.state) == ("d-1", "mail", "delivered")
    values = life.as_json()
    assert values["waivers"][0]["reason"] == "a test"
    assert values["deliveries"][0]["state"] == "delivered"


def test_an_unknown_finding(archive: Any) -> None:
    with archive.session() as session, pytest.raises(StoreError, match="no finding"):
        explain(session, "CMP-NOTHING")


def test_as_printed(small: Any, kit: Any, command: Any) -> None:
    small.run(kit.seen(place=kit.place("a\x1b[31m.py"), title="exec \x1b]0;x\x07 is used"))
    with small.session() as session:
        finding = of(session)
    body = json.loads(command(small, "explain", finding, "-f", "json").stdout)
    assert body["finding"]["id"] == finding
    assert body["witnesses"][0]["manifest"] == 1
    done = command(small, "explain", finding)
    assert done.exit_code == 0
    assert "Why: opened in run 1 by bandit at c1" in done.output
    assert "Nobody was alerted of it." in done.output
    assert "\x1b" not in done.output
    assert command(small, "evidence", "show", finding).exit_code == 0
    done = command(small, "explain", "CMP-NOTHING")
    assert (done.exit_code, "there is no finding" in done.output) == (2, True)
