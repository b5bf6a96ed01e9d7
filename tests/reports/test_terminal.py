"""The tables for people: nothing that a repository chose acts in a terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from compline.findings.regressions import Regression, RegressionKind
from compline.model import Severity, State
from compline.reports.terminal import coverage_table, findings_table, severity_table, worse
from compline.store.views import FindingView


def shown(*tables: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system=None)
    for table in tables:
        console.print(table)
    return out.getvalue()


def test_findings(finding: Any, dependency: FindingView, service: FindingView) -> None:
    text = shown(findings_table([finding(), dependency, service]))
    assert "CMP-000000000001" in text
    assert "app/a.py:3" in text
    assert "pypi:jinja2 2.4.1" in text


def test_markup_and_escapes_are_text(finding: Any) -> None:
    title = "[bold]x[/bold] [link=http://evil]y[/link] \x1b[31mred\x1b]0;title\x07"
    evil = finding(title=title, path="a\x1b[2J.py")
    regression = Regression(
        RegressionKind.NEW, "web\x1b[2J", "bandit", evil.id, Severity.HIGH, title, ""
    )
    text = shown(findings_table([evil]), worse([regression]))
    assert "[bold]x[/bold]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_empty_states() -> None:
    text = shown(coverage_table([]), findings_table([]), severity_table({}), worse([]))
    assert "Nothing was looked at yet" in text
    assert "No findings match." in text
    assert "No open findings." in text
    assert "Nothing got worse." in text


def test_only_open_findings_are_counted() -> None:
    counts = {
        ("web", Severity.HIGH, State.OPEN): 2,
        ("web", Severity.LOW, State.OPEN): 1,
        ("calm", Severity.HIGH, State.RESOLVED): 5,
    }
    text = shown(severity_table(counts))
    assert "calm" not in text
    assert "3" in text
