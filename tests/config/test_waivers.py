"""waivers.yaml: a mistake names its line, what was found and what was expected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from compline.config.loader import ConfigError
from compline.config.memory import WaiverSettings
from compline.config.waivers import WaiverEntry, load_waivers
from compline.model import Severity

TODAY = date(2025, 3, 4)
GOOD = """\
waivers:
  # reviewed
  - rule: B602
    target: [web-*, api]
    labels: {team: pay*}
    reason: inputs are our own
    owner: team-pay
    expires: 2025-06-01
  - finding: CMP-0123456789AB
    reason: mended next week
    owner: ada
    requester: bob
    approver: eve
    expires: 2025-03-10
"""


ENTRY = "waivers:\n  - rule: B1\n    reason: x\n    owner: y\n    expires: 2025-05-01\n"
ABOUT = (
    "2: waivers.0: give either `finding`, or at least one of `rule`, `scanner`, `target`, "
    "`path`, `labels`"
)


def load(tmp_path: Path, text: str, **settings: object) -> list[tuple[int, WaiverEntry]]:
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return load_waivers(path, WaiverSettings.model_validate(settings), TODAY)


def mistakes(tmp_path: Path, text: str, **settings: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **settings)
    return [f"{one.line}: {one.where}: {one.message}" for one in caught.value.mistakes]


def test_entries_with_their_lines(tmp_path: Path) -> None:
    (first, rule), (second, finding) = load(tmp_path, GOOD)
    assert (first, second) == (3, 9)
    assert (rule.rule, rule.target, rule.labels) == (["B602"], ["web-*", "api"], {"team": "pay*"})
    assert (finding.finding, finding.approver) == ("CMP-0123456789AB", "eve")
    assert finding.expires == date(2025, 3, 10)


def test_an_empty_file_waives_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "") == []
    assert load(tmp_path, "waivers: []\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "waivers:\n  - rule: B1\n    reason: x\n    owner: y\n",
            "2: waivers.0.expires: is required",
        ),
        (
            "waivers:\n  - rule: B1\n    reason: x\n    expires: 2025-05-01\n",
            "2: waivers.0.owner: is required",
        ),
        (
            "waivers:\n  - rule: B1\n    reason: ' '\n    owner: y\n    expires: 2025-05-01\n",
            "3: waivers.0.reason: found ' ', expected: String should match pattern '\\S'",
        ),
        (
            "waivers:\n  - reason: x\n    owner: y\n    expires: 2025-05-01\n",
            ABOUT,
        ),
        (
            ENTRY.replace("    reason", "    finding: CMP-1\n    reason"),
            ABOUT,
        ),
        (
            "waivers:\n  - rules: B1\n    reason: x\n    owner: y\n    expires: 2025-05-01\n",
            "2: waivers.0.rules: unknown key; did you mean 'rule'?",
        ),
        ("waiver: []\n", "1: waiver: unknown key; did you mean 'waivers'?"),
        (
            "waivers:\n  - rule: B1\n    reason: x\n    owner: y\n    expires: soon\n",
            "5: waivers.0.expires: found 'soon', expected: ",
        ),
        (
            "waivers:\n  - rule: B1\n    reason: x\n    owner: y\n    expires: 2027-05-01\n",
            "5: waivers.0.expires: no waiver may last longer than 365 days from now",
        ),
        (
            ENTRY.replace("    expires", "    approver: y\n    expires"),
            "5: waivers.0.approver: must be another person than the requester",
        ),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(tmp_path, text)[0].startswith(expected)


def test_the_second_person_is_required_where_it_is_configured(tmp_path: Path) -> None:
    entry = "waivers:\n  - rule: B1\n    reason: x\n    owner: y\n    expires: 2025-05-01\n"
    assert mistakes(tmp_path, entry, second_person=[Severity.CRITICAL]) == [
        "2: waivers.0.approver: is required: `waivers.second_person` is configured"
    ]
    more = entry + "    approver: z\n"
    assert len(load(tmp_path, more, second_person=[Severity.CRITICAL])) == 1


def test_the_same_twice_is_a_mistake(tmp_path: Path) -> None:
    entry = "  - rule: B1\n    reason: x\n    owner: y\n    expires: 2025-05-01\n"
    assert mistakes(tmp_path, "waivers:\n" + entry * 2) == [
        "7: waivers.1.reason: is the same entry as the one at line 2"
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_waivers(tmp_path / "none.yaml", WaiverSettings(), TODAY)
