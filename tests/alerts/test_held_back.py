"""What is told later or together: quiet hours, digests, floods."""

from __future__ import annotations

from typing import Any

from routing_world import told

from compline.model import Severity

CRITICAL, HIGH, LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW


QUIET = {"start": "22:00", "end": "07:00", "break_through": "critical"}


class TestQuietHours:
    def test_what_is_not_grave_waits(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "quiet": QUIET})
        here.later(hours=11)  # 23:00
        grave = kit.regression("CMP-9", severity=CRITICAL)
        sent = here.route(kit.view(1), kit.view(2), kit.view(9, grave))
        assert told(sent) == [("chat", "opened", ["CMP-9"])]
        here.later(hours=7, minutes=59)
        assert here.route() == []
        here.later(minutes=1)
        sent = here.route(settled=["CMP-2"])
        assert told(sent) == [("chat", "opened", ["CMP-1"])], "the other has settled by itself"
        assert here.waiting == {}
        assert here.route() == []

    def test_ends_and_reminders_wait_too(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "quiet": QUIET, "remind_days": 0.5})
        here.route(kit.view(1), kit.view(2))
        here.later(hours=12)
        assert here.route(well=["CMP-1"]) == []
        here.later(hours=7)
        assert told(here.route(well=["CMP-1"])) == [
            ("chat", "resolved", ["CMP-1"]),
            ("chat", "reminder", ["CMP-2"]),
        ]


class TestDigests:
    def test_one_message_at_its_time(self, world: Any, kit: Any) -> None:
        here = world({"name": "daily", "to": ["chat"], "digest": {"time": "08:00"}})
        assert here.route(kit.view(1), kit.view(2)) == []
        here.later(hours=1)
        assert here.route(kit.view(3)) == []
        here.later(hours=19)
        [(channel, message)] = here.route(settled=["CMP-3"])
        assert (channel, message.form.value, message.total) == ("chat", "digest", 2)
        assert [entry.about for entry in message.entries] == ["CMP-1", "CMP-2"]
        assert here.route() == []
        # The end of one comes with the next digest, not before.
        here.later(hours=1)
        assert here.route(well=["CMP-1"]) == []
        here.later(hours=23)
        [(_, message)] = here.route(well=["CMP-1"])
        assert (message.form.value, message.event.value, message.total) == (
            "digest", "resolved", 1,
        )  # fmt: skip

    def test_two_digests_do_not_mix(self, world: Any, kit: Any) -> None:
        here = world(
            {"name": "daily", "to": ["chat", "mail"], "digest": {"time": "08:00"}},
            channels=("chat", "mail"),
        )
        here.route(kit.view(1))
        here.later(days=1)
        assert sorted(channel for channel, _ in here.route()) == ["chat", "mail"]


class TestFloods:
    def test_a_thousand_are_one_message(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]}, flood=10)
        severities = [CRITICAL] * 3 + [HIGH] * 500 + [LOW] * 497
        views = [
            kit.view(n, kit.regression(f"CMP-{n:04}", severity=severity))
            for n, severity in enumerate(severities)
        ]
        [(_, message)] = here.route(*views)
        assert (message.form.value, message.total, len(message.entries)) == ("flood", 1000, 10)
        assert message.counts["severity"] == {"critical": 3, "high": 500, "low": 497}
        assert [entry.severity for entry in message.entries] == ["critical"] * 3 + ["high"] * 7
        assert here.route() == []
        thread = here.threads["chat", "CMP-0999"].root
        # A few of them end: in the flood's thread, which stays open until the last one.
        sent = here.route(well=["CMP-0001", "CMP-0002"])
        assert [m.closes for _, m in sent] == [(), ()]
        assert {draft.thread for draft in here.plan.drafts} == {thread}
        rest = [f"CMP-{n:04}" for n in range(1000) if n not in (1, 2)]
        [(_, message)] = here.route(well=rest)
        assert (message.event.value, message.total, message.closes) == (
            "resolved", 998, (thread,),
        )  # fmt: skip

    def test_as_many_as_allowed_are_told_one_by_one(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]}, flood=3)
        assert len(here.route(*(kit.view(n) for n in range(3)))) == 3
        assert len(here.route(*(kit.view(n) for n in range(3, 7)))) == 1
