"""Alerts are short, put the worst first, and nothing of a scanned repository acts in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from compline.alerts.escape import chat, plain
from compline.alerts.messages import (
    Entry,
    Event,
    Form,
    Message,
    counts_of,
    title_of,
    why,
    worst_first,
)
from compline.alerts.render import body, subject_line
from compline.findings.graph import Reach
from compline.findings.regressions import Cause, Commit, Regression
from compline.model import RegressionKind, Severity

ENTRY = Entry(
    Event.OPENED,
    "new",
    "CMP-1",
    "web",
    "bandit",
    "high",
    "exec is used",
    detail="call a function instead",
    why="code changed: 0123456789ab by Ann, 2026-01-01",
    owners=("@acme/risk",),
    reach=Reach(("endpoint/scoring", "model/fraud", "image/a", "image/b"), 6),
)
SINGLE = Message("acme", Form.SINGLE, Event.OPENED, "page", "high: web: exec is used", (ENTRY,))


def flood(number: int) -> Message:
    entries = [replace(ENTRY, about=f"CMP-{n}", target=f"t{n % 7}") for n in range(number)]
    return Message(
        "acme", Form.FLOOD, Event.OPENED, "page", "many", tuple(worst_first(entries)[:10]),
        number, counts_of(entries),
    )  # fmt: skip


def test_a_single_message_says_everything() -> None:
    assert subject_line(SINGLE, plain) == "[Compline acme] high: web: exec is used"
    assert body(SINGLE, plain).replace("\u200b", "").splitlines() == [
        "new, high: exec is used",
        "call a function instead",
        "target: web",
        "scanner: bandit",
        "subject: CMP-1",
        "why: code changed: 0123456789ab by Ann, 2026-01-01",
        "owners: @acme/risk",
        "reaches: endpoint/scoring, model/fraud, image/a (+3)",
    ]
    assert "reaches" not in body(replace(SINGLE, entries=(replace(ENTRY, reach=Reach()),)), plain)


def test_nothing_is_said_twice() -> None:
    twice = replace(ENTRY, detail="code changed")
    text = body(replace(SINGLE, entries=(twice,)), plain)
    assert text.count("code changed") == 1
    alone = replace(ENTRY, detail="code changed", why="")
    assert "code changed" in body(replace(SINGLE, entries=(alone,)), plain)


def test_the_end_of_it() -> None:
    ended = replace(ENTRY, event=Event.RESOLVED, why="resolved (code)", detail="")
    text = body(replace(SINGLE, event=Event.RESOLVED, entries=(ended,)), plain)
    assert text.splitlines()[0] == "well again, high: exec is used"
    assert "what became of it: resolved (code)" in text


def test_a_flood_has_counts_and_the_worst() -> None:
    lines = body(flood(1000), plain).splitlines()
    assert lines[0] == "1000 in all: 1000 high"
    assert lines[1].startswith("targets: 143 t0, 143 t1")
    assert lines[1].endswith("and 2 more")
    assert len([line for line in lines if line.startswith("- new [high] ")]) == 10
    assert lines[2 + 1].endswith("exec is used [CMP-0], reaches endpoint/scoring (+5)")
    assert lines[-1] == "... and 990 more: compline findings --state open"


@pytest.mark.parametrize("most", [40, 200, 500, 1200, 8000])
def test_it_is_never_longer_than_the_channel_takes(most: int) -> None:
    long = replace(ENTRY, title="x" * 5_000, detail="y" * 5_000)
    for message in (flood(1000), replace(SINGLE, entries=(long,) * 3)):
        assert len(body(message, plain, most)) <= most


def test_what_a_repository_says_is_harmless_everywhere() -> None:
    evil = "@everyone <!channel> http://evil.example\n\u202e[31m"
    entry = Entry(Event.OPENED, "new", evil, evil, "bandit", "high", evil, evil, evil, (evil,),
                  reach=Reach((evil, evil), 3))  # fmt: skip
    for message in (
        Message(evil, Form.SINGLE, Event.OPENED, "r", evil, (entry,)),
        Message(evil, Form.FLOOD, Event.OPENED, "r", evil, (entry,), 20, counts_of([entry])),
    ):
        shown = subject_line(message, chat) + "\n" + body(message, chat)
        for bad in ("@everyone", "<", ">", "http://", "evil.example", "\u202e", "\x1b"):
            assert bad not in shown
        assert "\n" not in subject_line(message, chat)


def test_the_worst_first() -> None:
    graded = [
        replace(ENTRY, severity=severity, about=f"CMP-{n}")
        for n, severity in enumerate(["low", "", "critical", "medium", "high"])
    ]
    ended = replace(ENTRY, severity="critical", event=Event.RESOLVED)
    order = [entry.severity for entry in worst_first([ended, *graded])]
    assert order == ["critical", "high", "", "medium", "low", "critical"]


def test_a_message_survives_the_outbox() -> None:
    for message in (SINGLE, flood(30), replace(SINGLE, closes=("d1", "d2"))):
        assert Message.from_json(message.as_json()) == message


def test_no_name_that_is_reached_hides_the_others() -> None:
    reach = Reach(("dataset/" + "x" * 300, "model/fraud"), 2)
    text = body(replace(SINGLE, entries=(replace(ENTRY, reach=reach),)), plain)
    assert text.splitlines()[-1].endswith("\u2026, model/fraud")


def test_a_message_from_before_messages_told_of_the_reach() -> None:
    value = SINGLE.as_json()
    value["entries"] = [{k: v for k, v in value["entries"][0].items() if k != "reach"}]
    assert Message.from_json(value).entries == (replace(ENTRY, reach=Reach()),)


def test_what_an_earlier_version_left_is_still_worded() -> None:
    old = Message.from_json({"subject": "[Compline acme] web: 1 new", "body": "- new @all"})
    assert "web: 1 new" in subject_line(old, plain)
    assert "- new" in body(old, plain)


def test_why() -> None:
    commit = Commit("0123456789abcdef", "Ann <ann@acme.example>", datetime(2026, 1, 1, tzinfo=UTC))
    assert why(Cause()) == ""
    assert why(Cause(("rules", "advisories"))) == "rules and advisories changed"
    assert why(Cause(("code",), commit=commit)) == (
        "code changed: 0123456789ab by Ann <ann@acme.example>, 2026-01-01"
    )


def test_titles_name_their_target_once() -> None:
    one = Regression(
        RegressionKind.NEW, "web", "bandit", "CMP-1", Severity.HIGH, "exec is used", ""
    )
    assert title_of(one) == "high: web: exec is used (CMP-1)"
    lost = replace(one, severity=None, subject="web/bandit", title="bandit could not look at web")
    assert title_of(lost) == "bandit could not look at web"
    alone = replace(lost, target="", subject="nightly", title="a schedule did not start")
    assert title_of(alone) == "a schedule did not start (nightly)"
