"""What a night makes worse is told once; the unchanged night after it tells nothing."""

from __future__ import annotations

from typing import Any

import pytest

from compline.store.outbox import list_deliveries
from compline.store.worse import list_regressions


@pytest.fixture
def alerted(organisation: Any, fake: Any, receiver: Any) -> Any:
    """After the night that made something worse."""
    fake("bandit")
    organisation.environment["PAGER"] = f"json://{receiver.address}/"
    organisation.sections["alerts"] = {"channels": [{"name": "pager", "url": "env:PAGER"}]}
    organisation.commit("web", {"a.txt": "BAD old\n", "CODEOWNERS": "*.txt @acme/text\n"})
    organisation.night()
    [baseline] = receiver.got
    assert "baseline" in baseline.json["message"]
    organisation.commit("web", {"a.txt": "BAD old\nBAD new\n", "CODEOWNERS": "*.txt @acme/text\n"})
    return organisation


def test_what_is_worse_is_told_once(alerted: Any, receiver: Any) -> None:
    night = alerted.night()
    assert any("ALERT [Compline acme] high: web: a bad line" in line for line in night.told)
    _, got = receiver.got
    assert "a bad line" in got.json["title"]
    alerted.night()
    assert len(receiver.got) == 2
    with alerted.session() as session:
        states = {(one.channel, one.state) for one in list_deliveries(session.store)}
        assert states == {("pager", "delivered"), ("console", "delivered")}
        assert len(list_regressions(session.store)) == 2


def test_its_end_is_told_too(alerted: Any, receiver: Any) -> None:
    alerted.night()
    alerted.commit("web", {"a.txt": "BAD old\n", "CODEOWNERS": "*.txt @acme/text\n"})
    alerted.night()
    _, opened, ended = receiver.got
    assert ended.json["title"] == opened.json["title"], "one thread has one subject"
    assert ended.json["message"].startswith("well again, high")
    assert "resolved" in ended.json["message"]


def test_owners_are_read_from_the_commit_that_was_looked_at(alerted: Any, receiver: Any) -> None:
    alerted.sections["alerts"] |= {
        "rules": [{"name": "a", "to": ["owners"], "when": {"severity": "high"}}],
        "owners": {
            "codeowners": True,
            "channels": {"@acme/text": ["pager"]},
            "otherwise": ["console"],
        },
        "console": False,
    }
    night = alerted.night()
    _, got = receiver.got
    assert "owners: @" in got.json["message"]
    assert "acme/text" in got.json["message"]
    assert not any("ALERT" in line for line in night.told)
    alerted.sections["alerts"]["owners"]["channels"] = {}
    alerted.commit("web", {"a.txt": "BAD old\nBAD new\nBAD newer\n"})
    night = alerted.night()
    assert len(receiver.got) == 2
    assert any("ALERT" in line for line in night.told), "what nobody owns goes to `otherwise`"
