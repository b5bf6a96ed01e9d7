"""Rules that could never send what they say are mistakes, not silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from compline.config.alerts import Alerts
from compline.config.loader import ConfigError, parse_config

CHANNELS = [{"name": "chat", "url": "env:CHAT"}, {"name": "mail", "url": "env:MAIL"}]


def parsed(**alerts: Any) -> Alerts:
    raw = {"organisation": "acme", "alerts": {"channels": CHANNELS} | alerts}
    return parse_config(yaml.safe_dump(raw), Path("compline.yaml")).alerts


def rule(**more: Any) -> dict[str, Any]:
    return {"rules": [{"name": "a", "to": ["chat"]} | more]}


@pytest.mark.parametrize(
    ("alerts", "message"),
    [
        (rule(to=["chta"]), "rule a: no channel is named chta; there are chat, console, mail"),
        (rule(to=[]), "at least 1"),
        (rule(to=["owners"]), "name the channels for what nobody owns as owners.otherwise"),
        ({"owners": {"channels": {"@x": ["pager"]}}}, "owners: no channel is named pager"),
        ({"owners": {"otherwise": ["owners"]}}, "owners: no channel is named owners"),
        (rule(when={"kinds": ["newest"]}), "'baseline', 'new'"),
        (rule(when={"severity": "huge"}), "'info', 'low'"),
        (rule(when={"label": {"tier": "1"}}), "unknown key; did you mean 'labels'?"),
        (
            rule(when={"scanners": ["import:bandit", "bandti"]}),
            "alerts.rules.0.when.scanners.1: no scanner is named 'bandti'; did you mean 'bandit'?",
        ),
        (rule(digest={}), "write either `cron` or `time`"),
        (rule(digest={"cron": "0 8 * * *", "time": "08:00"}), "write either `cron` or `time`"),
        (rule(digest={"cron": "at eight"}), "'at eight' is not a cron expression"),
        (rule(digest={"time": "24:00"}), "pattern"),
        (rule(digest={"time": "08:00", "timezone": "Berlin"}), "there is no time zone 'Berlin'"),
        (rule(quiet={"start": "22:00", "end": "22:00"}), "start and end together"),
        (rule(remind_days=0), "greater than 0"),
        (
            {"rules": [{"name": "a", "to": ["chat"]}] * 2},
            "alerts.rules.1.name: there is a rule 'a' already",
        ),
        ({"channels": CHANNELS * 2}, "alerts.channels.2.name: there is a channel 'chat' already"),
        (
            {"channels": [{"name": "console", "url": "env:A"}]},
            "there is a channel 'console' already",
        ),
        ({"rules": [{"name": "console", "to": ["chat"]}]}, "there is a rule 'console' already"),
        ({"channels": [{"name": "a", "url": "https://x"}]}, "a literal secret is refused"),
        (
            {"channels": [{"name": "a", "url": "env:A", "signing_key": "k"}]},
            "a literal secret is refused",
        ),
    ],
)
def test_mistakes(alerts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**alerts)
    assert message in str(caught.value)


def test_what_is_in_force() -> None:
    assert [(one.name, one.to) for one in parsed().rules_in_force()] == [
        ("default", ["chat", "mail"]),
        ("console", ["console"]),
    ]
    assert [one.name for one in parsed(console=False).rules_in_force()] == ["default"]
    assert [one.name for one in parsed(channels=[]).rules_in_force()] == ["console"]
    assert [one.name for one in parsed(**rule()).rules_in_force()] == ["a", "console"]
    assert {str(one.when.severity) for one in parsed(from_severity="low").rules_in_force()} == {
        "low"
    }
