"""What the rules would have sent is what they do send; and a preview sends nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from compline.model import RegressionKind, Severity
from compline.pipeline.notify import notify
from compline.pipeline.preview import preview
from compline.store.outbox import list_deliveries
from compline.store.routing import inbox_of


def shown(session: Any, days: int = 30) -> list[tuple[str, str, list[str]]]:
    return [
        (one.channel, one.message.form.value, [entry.about for entry in one.message.entries])
        for one in preview(session, days)
    ]


def test_nothing_is_written_or_sent(desk: Any, receiver: Any, kit: Any) -> None:
    desk.environment |= {"HOOK": f"http://{receiver.address}/", "KEY": "k"}
    desk.alerts = {"channels": [{"name": "hook", "url": "env:HOOK", "signing_key": "env:KEY"}]}
    desk.worse(kit.regression("CMP-1"), kit.regression("CMP-2", severity=Severity.LOW))
    with desk.session() as session:
        expected = [("hook", "single", ["CMP-1"])]
        assert shown(session) == shown(session) == expected
        assert list_deliveries(session.store) == ()
        assert len(inbox_of(session.store, session.now()).fresh) == 2
        notify(session)
        assert shown(session) == expected, "what was routed is shown as well"
        assert len(receiver.got) == 1
        desk.later(days=31)
        assert shown(session) == []
        assert shown(session, 60) == expected


def test_other_rules_show_other_messages(desk: Any, kit: Any) -> None:
    desk.alerts = {"channels": [{"name": "chat", "url": "env:CHAT"}]}
    for number in range(1, 4):
        grave = Severity.CRITICAL if number == 2 else Severity.HIGH
        desk.worse(kit.regression(f"CMP-{number}", severity=grave))
        desk.later(hours=5)  # at 12:00, 17:00 and 22:00
    raised = kit.regression("CMP-1", RegressionKind.DEADLINE_MISSED)
    desk.worse(raised)
    desk.later(days=3)
    desk.alerts["rules"] = [
        {"name": "daily", "to": ["chat"], "digest": {"time": "20:00"}},
        {"name": "page", "to": ["chat"], "when": {"severity": "critical"}},
    ]
    with desk.session() as session:
        assert shown(session) == [
            ("chat", "single", ["CMP-2"]),
            ("chat", "digest", ["CMP-1"]),
            ("chat", "digest", ["CMP-1", "CMP-3"]),
        ]
        first = preview(session)[1]
        assert first.at.replace(tzinfo=None).isoformat() == "2026-03-02T20:00:00"
    desk.alerts["rules"] = [{"name": "all", "to": ["chat"], "remind_days": 1}]
    with desk.session() as session:
        sent = preview(session)
        reminders = [one for one in sent if one.message.event.value == "reminder"]
        assert len(reminders) >= 6
        assert min(one.at for one in reminders) >= kit.start + timedelta(days=1)
    desk.alerts = {"channels": []}
    with desk.session() as session:
        assert shown(session) == []


def test_a_flood_in_one_run(desk: Any, kit: Any) -> None:
    desk.alerts = {"channels": [{"name": "chat", "url": "env:CHAT"}], "flood": 5}
    desk.worse(*(kit.regression(f"CMP-{number}") for number in range(30)))
    desk.later(days=1)
    with desk.session() as session:
        [one] = preview(session)
    assert (one.message.form.value, one.message.total) == ("flood", 30)
