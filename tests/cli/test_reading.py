"""The commands that read: fields, formats, filters, empty states, errors that help."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.store.engine import open_store
from compline.store.runs import start_run

FINDING = {
    "id", "target", "kind", "state", "conditions", "severity", "confidence", "title", "path",
    "line", "package", "version", "fixed_version", "aliases", "cwe", "first_seen", "last_seen",
    "revision", "locations", "witnesses",
}  # fmt: skip
WITNESS = {"scanner", "rule", "fingerprint", "path", "line", "end_line", "severity"}
LEDGER = {
    "run", "target", "scanner", "outcome", "reason", "gaps", "warnings", "revision", "tool_version",
    "scan_key", "advisory_date", "reused_from", "sandbox", "seconds",
}  # fmt: skip


def found(site: Any, *arguments: str) -> Any:
    return site.json("findings", "--format", "json", *arguments)


def test_a_finding_has_the_fields_that_are_promised(scanned: Any) -> None:
    findings = found(scanned)
    assert findings
    for one in findings:
        assert set(one) >= FINDING
        assert one["witnesses"]
        for witness in one["witnesses"]:
            assert set(witness) >= WITNESS
    [shell] = [one for one in findings if one["line"] == 5]
    assert (shell["path"], shell["target"], shell["state"]) == ("app.py", "web", "open")
    assert shell["cwe"] == ["CWE-78"]
    assert shell["witnesses"][0]["scanner"] == "bandit"
    assert shell["witnesses"][0]["rule"] == "B602"
    assert shell["locations"][0]["path"] == "app.py"


def test_a_ledger_row_has_the_fields_that_are_promised(scanned: Any) -> None:
    rows = scanned.json("coverage", "--format", "json", "--run", "2")
    assert [(row["target"], row["scanner"], row["outcome"]) for row in rows] == [
        ("calm", "bandit", "completed"),
        ("web", "bandit", "completed"),
    ]
    for row in rows:
        assert set(row) >= LEDGER
        assert row["run"] == 2
        assert row["revision"]
        assert row["scan_key"]
        assert row["tool_version"]
    assert [row["reused_from"] for row in rows] == [1, None]


def test_filters(scanned: Any) -> None:
    everything = found(scanned)
    assert {one["target"] for one in everything} == {"web"}
    assert found(scanned, "--target", "calm") == []
    assert found(scanned, "--target", "web") == everything
    assert found(scanned, "--scanner", "bandit") == everything
    assert found(scanned, "--scanner", "semgrep") == []
    assert found(scanned, "--state", "resolved") == []
    high = found(scanned, "--severity", "high")
    assert {one["severity"] for one in high} == {"high"}
    assert 0 < len(high) < len(everything)
    medium = found(scanned, "--at-least", "medium")
    assert {one["id"] for one in high} < {one["id"] for one in medium}
    new = found(scanned, "--since-run", "2")
    assert new
    assert {one["path"] for one in new} == {"new.py"}
    assert found(scanned, "--since-run", "1") == everything
    assert found(scanned, high[0]["id"]) == high[:1]
    assert len(found(scanned, "--limit", "1")) == 1


def test_the_other_formats_hold_the_same_findings(scanned: Any) -> None:
    ids = {one["id"] for one in found(scanned)}
    rows = list(csv.DictReader(io.StringIO(scanned.run("findings", "-f", "csv").stdout)))
    assert {row["id"] for row in rows} == ids
    [run] = json.loads(scanned.run("findings", "-f", "sarif").stdout)["runs"]
    assert {r["partialFingerprints"]["complineFindingId/v1"] for r in run["results"]} == ids
    table = scanned.run("findings").stdout
    assert all(identity in table for identity in ids)


def test_targets(scanned: Any) -> None:
    rows = scanned.json("targets", "--json")
    assert [row["name"] for row in rows] == ["calm", "web"]
    assert all(row["last_look"] for row in rows)
    assert "web" in scanned.run("targets").stdout


def test_empty_states_say_so(site: Any) -> None:
    assert "Nothing was looked at yet" in site.run("coverage").stdout
    assert "No findings match." in site.run("findings").stdout
    assert "No deliveries" in site.run("alerts", "list").stdout
    assert "never" in site.run("targets").stdout
    assert found(site) == []
    assert site.json("coverage", "--format", "json") == []
    site.write(targets={})
    assert "No targets are listed" in site.run("targets").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["findings", "CMP-000000000000"], "CMP-000000000000"),
        (["findings", "--target", "wbe"], "no target named wbe; known are: calm, web"),
        (["findings", "--scanner", "bandt"], "no scanner named bandt"),
        (["findings", "--since-run", "999"], "there is no run 999"),
        (["findings", "--severity", "grave"], "grave"),
        (["findings", "--format", "xml"], "xml"),
        (["findings", "CMP-000000000000", "--state", "open"], "give either ids or filters"),
        (["findings", "CMP-000000000000", "--limit", "1"], "give either ids or filters"),
        (["coverage", "--run", "999"], "there is no run 999"),
        (["alerts", "test", "pager"], "no channel named pager; configured are: none"),
        (["alerts", "retry", "nonsense"], "compline alerts list"),
        (["alerts", "list", "--state", "lost"], "lost"),
        (["tools", "install", "bandt"], "no tool named bandt; there are bandit, semgrep"),
    ],
)
def test_errors_help(scanned: Any, arguments: list[str], message: str) -> None:
    done = scanned.run(*arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_an_id_given_twice_is_shown_once(scanned: Any) -> None:
    [one, *_] = found(scanned)
    assert found(scanned, one["id"], one["id"]) == [one]


def test_a_target_that_was_never_looked_at_is_known(site: Any) -> None:
    assert found(site, "--target", "web") == []


def test_a_run_that_recorded_nothing_is_not_taken_for_no_run(site: Any) -> None:
    with open_store(f"sqlite:///{site.home / 'work' / 'store' / 'compline.db'}") as store:
        run = start_run(store, "cli", datetime.now(UTC))
    shown = site.run("coverage").stdout
    assert f"Run {run} looked at nothing and has not finished" in shown
    assert site.json("coverage", "--format", "json") == []


@pytest.mark.parametrize("columns", ["60", "200"])
def test_ids_and_outcomes_are_whole_in_any_terminal(
    scanned: Any, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person copies, or must not mistake, is never cut."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    ids = [one["id"] for one in found(scanned)]
    shown = scanned.run("findings").stdout
    assert max(map(len, unstyled(shown).splitlines())) <= int(columns)
    assert all(identity in shown for identity in ids)
    shown = unstyled(scanned.run("coverage").stdout)
    assert shown.count("completed") == 2
    assert max(map(len, shown.splitlines())) <= int(columns)
    for command in (["findings"], ["coverage"], ["targets"], ["tools", "list"]):
        assert "…" not in scanned.run(*command).stdout


def unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_tools(site: Any, scanned: Any) -> None:
    done = site.run("tools", "check")
    assert done.exit_code == 3
    assert "compline tools install bandit" in " ".join(done.stderr.split())
    listed = scanned.run("tools", "list")
    assert listed.exit_code == 0
    assert "ready" in listed.stdout


def test_the_store_can_be_made(site: Any) -> None:
    done = site.run("db", "upgrade")
    assert (done.exit_code, done.stdout) == (0, "the sqlite store is up to date\n")
