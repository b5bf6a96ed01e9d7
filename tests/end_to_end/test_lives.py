"""Accepting a risk before it comes, over the demo organisation and by the command line alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from typer.testing import CliRunner, Result

from compline.cli.main import app

FEW = ("--scanner", "bandit", "--scanner", "semgrep")
LATER = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()


def run(demo: Any, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(demo.config)])


def listed(demo: Any, *arguments: str) -> Any:
    done = run(demo, *arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_risk_that_was_accepted_alerts_nobody_until_its_waiver_ends(demo: Any) -> None:
    first = run(demo, "scan", *FEW, "--fail-at", "critical")
    assert first.exit_code in (0, 1), first.output
    assert "Nothing got worse." in first.stdout
    assert first.stdout.count("First look at ") >= 2
    known = {one["id"] for one in listed(demo, "findings")}
    why = ("--reason", "reviewed with the team", "--owner", "risk", "--expires", LATER)
    done = run(demo, "waive", "add", "--path", "training/*", *why, "--by", "ada")
    assert done.exit_code == 0, done.output
    assert demo.advance() == ["claims-portal", "fraud-model"]
    second = run(demo, "scan", *FEW, "--fail-at", "critical")
    new = [one for one in listed(demo, "findings") if one["id"] not in known]
    assert {one["path"] for one in new} == {"training/agent.py"}
    assert {tuple(one["conditions"]) for one in new} == {("waived",)}
    assert "training/agent.py" not in second.stdout
    assert "Nothing got worse." in second.stdout
    # Taken back, it counts: in lists at once, and for the next run.
    [waiver] = listed(demo, "waive", "list")
    assert waiver["findings"] >= len(new)
    assert run(demo, "waive", "withdraw", waiver["id"], "--by", "eve").exit_code == 0
    again = listed(demo, "findings", *(one["id"] for one in new))
    assert {tuple(one["conditions"]) for one in again} == {()}
    resolved = listed(demo, "findings", "--state", "resolved")
    assert {one["cause"] for one in resolved} == {"code"}
