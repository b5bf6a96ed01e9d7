"""`compline waive` and `compline accept-drop`, as a person types them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

LATER = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
WHY = ("--reason", "inputs are our own", "--owner", "team-web", "--expires", LATER)
CODE = b"import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n"


@pytest.fixture
def looked(site: Any, installed_tools: Path) -> Any:
    """A site of the test's own that has been scanned once."""
    (site.home / "work" / "tools").symlink_to(installed_tools)
    assert site.run("scan", "--fail-at", "low").exit_code == 1
    return site


def waiver_id(output: str) -> str:
    return next(word for word in output.split() if word.startswith("WVR-"))


def test_a_waiver_from_its_request_to_its_end(looked: Any) -> None:
    findings = looked.json("findings", "--format", "json", "--target", "web")
    finding = next(one for one in findings if one["severity"] == "high")
    assert finding["due_at"] is not None
    assert finding["risk"] == 3_000_000
    done = looked.run("waive", "add", finding["id"], *WHY, "--by", "ada")
    assert done.exit_code == 0, done.output
    name = waiver_id(done.output)
    assert done.output.strip() == f"{name} holds {finding['id']} through {LATER}"
    [shown] = looked.json("findings", finding["id"], "--format", "json")
    assert shown["conditions"] == ["waived"]
    assert shown["waived_until"] > LATER
    held = looked.json("findings", "--condition", "waived", "--format", "json")
    assert [one["id"] for one in held] == [finding["id"]]
    others = looked.json("findings", "--without", "waived", "--format", "json")
    assert finding["id"] not in [one["id"] for one in others]
    sarif = looked.json("findings", finding["id"], "--format", "sarif")
    [result] = sarif["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "status": "accepted"}]
    [listed] = looked.json("waive", "list", "--format", "json")
    assert (listed["state"], listed["requester"], listed["findings"]) == ("active", "ada", 1)
    assert looked.json("waive", "list", "--expiring", "--format", "json") == []
    looked.write(waivers={"expiring_days": 30})
    assert len(looked.json("waive", "list", "--expiring", "--format", "json")) == 1
    assert name in looked.run("waive", "list").output
    text = looked.run("waive", "show", name).output
    assert finding["id"] in text
    assert "inputs are our own" in text
    # What is waived does not fail a scan.
    assert looked.run("scan", "--fail-at", "high", "--quiet").exit_code == 0
    assert looked.run("waive", "withdraw", name, "--by", "eve").exit_code == 0
    assert looked.run("scan", "--fail-at", "high", "--quiet").exit_code == 1
    assert looked.json("waive", "list", "--format", "json") == []
    [ended] = looked.json("waive", "list", "--state", "withdrawn", "--format", "json")
    assert ended["ended_by"] == "eve"


def test_selectors_and_a_second_person(looked: Any) -> None:
    looked.write(waivers={"second_person": ["high", "critical"]})
    done = looked.run("waive", "add", "--rule", "B60*", "--path", "*.py", *WHY, "--by", "ada")
    name = waiver_id(done.output)
    assert f"{name} waits for another person: compline waive approve {name}" in done.output
    own = looked.run("waive", "approve", name, "--by", "ada")
    assert (own.exit_code, "another person must approve" in own.output) == (2, True)
    agreed = looked.run("waive", "approve", name, "--by", "bob")
    assert f"{name} holds 1 open finding through {LATER}" in agreed.output
    nothing = looked.run("waive", "add", "--target", "nowhere", *WHY, "--by", "ada")
    assert looked.run("waive", "approve", waiver_id(nothing.output), "--by", "bob").exit_code == 0
    [unused] = looked.json("waive", "list", "--unused", "--format", "json")
    assert unused["id"] == waiver_id(nothing.output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "B1"], "A waiver needs an expiry"),
        ([*WHY], "give either a finding, or at least one of"),
        (["CMP-1", "--rule", "B1", *WHY], "give either a finding, or at least one of"),
        (["CMP-1", *WHY], "there is no finding 'CMP-1'"),
        (["--rule", "B1", "--expires", LATER, "--owner", "x"], "a waiver needs its reason"),
        (["--rule", "B1", "--expires", LATER, "--reason", "x"], "a waiver needs its owner"),
        (
            ["--rule", "B1", "--expires", "2020-01-01", "--reason", "x", "--owner", "y"],
            "2020-01-01 is over: give a day to come",
        ),
        (
            ["--rule", "B1", "--expires", "2999-01-01", "--reason", "x", "--owner", "y"],
            "no waiver may last longer than 365 days",
        ),
        (["--label", "team", *WHY], "write name=value"),
    ],
)
def test_what_is_missing_is_said(site: Any, arguments: list[str], message: str) -> None:
    done = site.run("waive", "add", *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_a_reviewed_file_is_in_force_from_the_next_run(looked: Any) -> None:
    file = looked.home / "waivers.yaml"
    entry = {"rule": "B602", "reason": "ours", "owner": "team-web", "expires": LATER}
    file.write_text(yaml.safe_dump({"waivers": [entry]}), encoding="utf-8")
    looked.write(waivers={"file": "waivers.yaml"})
    assert looked.run("scan", "--fail-at", "high", "--quiet").exit_code == 0
    [listed] = looked.json("waive", "list", "--format", "json")
    assert listed["source"] == "file"
    assert listed["origin"] == {"path": "waivers.yaml", "line": 2}
    assert "remove it there" in looked.run("waive", "withdraw", listed["id"]).output
    # A mistake stops the run before it has begun, with its place.
    file.write_text(file.read_text(encoding="utf-8") + "  nobody: x\n", encoding="utf-8")
    broken = looked.run("scan", "--quiet")
    assert broken.exit_code == 2
    assert "waivers.yaml:6: waivers.0.nobody: unknown key" in broken.output
    file.write_text("waivers: []\n", encoding="utf-8")
    assert looked.run("scan", "--fail-at", "high", "--quiet").exit_code == 1
    assert looked.json("waive", "list", "--format", "json") == []


def test_accept_drop_says_what_is_not_held(looked: Any) -> None:
    done = looked.run("accept-drop", "web", "bandit", "--reason", "why")
    assert done.exit_code == 2
    assert "no drop of bandit is held at web" in done.output
    assert "say why" in looked.run("accept-drop", "web", "bandit").output


def test_exploits_come_first(looked: Any) -> None:
    kev = looked.home / "kev.json"
    kev.write_text("{}", encoding="utf-8")
    looked.write(risk={"kev": "kev.json"})
    broken = looked.run("scan", "--quiet")
    assert (broken.exit_code, "is not CISA's catalogue" in broken.output) == (2, True)
    kev.write_text(json.dumps({"vulnerabilities": [{"cveID": "CVE-1"}]}), encoding="utf-8")
    assert looked.run("scan", "--quiet", "--fail-at", "critical").exit_code == 0
