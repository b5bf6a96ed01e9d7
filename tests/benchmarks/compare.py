"""Statement by statement: what the store holds against what the tools said themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference import Run, Statement

_ADVISORY_SCANNERS = ("trivy", "pip-audit")


@dataclass(frozen=True)
class Difference:
    """One statement that stands on one side only."""

    side: str
    """`missing`: the tool said it, the store does not hold it; `extra`: the other way."""
    statement: Statement
    explanation: str
    """The gap or stated exclusion behind it; empty: unexplained, which is a fault."""


@dataclass(frozen=True)
class Held:
    """A witness of the store, reduced as a statement is, with every name of its advisory."""

    statement: Statement
    aliases: frozenset[str]


def held(findings: Iterable[Mapping[str, Any]], scanner: str) -> list[Held]:
    """The scanner's present witnesses from `compline findings --format json`."""
    found = []
    for finding in findings:
        for witness in finding["witnesses"]:
            if witness["scanner"] != scanner or witness["state"] == "gone":
                continue
            found.append(Held(_statement(finding, witness), frozenset(finding["aliases"])))
    return found


def differences(
    said: Run, held_by_store: Sequence[Held], gaps: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """Both ways, each with its explanation where there is one.

    An advisory counts as said if any of its names is one of the finding's aliases: two sources
    may call it by different ones.
    """
    left, repeated = Counter(said.statements), Counter(said.repeated)
    extra: list[Held] = []
    for item in held_by_store:
        names = list(_names(item))
        for counts in (left, repeated):
            match = next((name for name in names if counts[name]), None)
            if match is not None:
                counts[match] -= 1
                break
        else:
            extra.append(item)
    found = [
        Difference("missing", statement, _gap_over(statement, gaps))
        for statement, count in sorted(left.items())
        for _ in range(count)
    ]
    for item in extra:
        late = item.statement.path in said.unfinished
        explanation = "time: the tool gave this file up" if late else _stated(item.statement)
        found.append(Difference("extra", item.statement, explanation))
    return found


def _names(item: Held) -> Iterator[Statement]:
    one = item.statement
    yield one
    if one.scanner in _ADVISORY_SCANNERS and one.what:
        for name in sorted(item.aliases - {one.rule}):
            yield Statement(one.scanner, name, one.path, one.line, one.what)


def _statement(finding: Mapping[str, Any], witness: Mapping[str, Any]) -> Statement:
    scanner, line, what = witness["scanner"], witness["line"] or 0, ""
    if scanner == "semgrep":
        what = f"{witness['column']}-{witness['end_line']}"
    elif finding["kind"] == "dependency":
        line, what = 0, f"{finding['package'].partition(':')[2]}=={witness['version']}"
    elif finding["kind"] == "license":
        line, what = 0, witness["details"].get("package", "")
    return Statement(scanner, witness["rule"], witness["path"], line, what)


def _gap_over(statement: Statement, gaps: Sequence[Mapping[str, Any]]) -> str:
    for gap in gaps:
        path = gap.get("path", "")
        inside = statement.path.startswith(path) if path.endswith("/") else statement.path == path
        if path and inside:
            return f"gap: {gap['reason']} {path}"
    return ""


def _stated(statement: Statement) -> str:
    """What Compline looks at and the reference command does not, by design."""
    if statement.path.endswith(".ipynb"):
        return "stated: notebooks are read by cell"
    if statement.rule == "unpinned-requirement":
        return "stated: unpinned requirements are findings"
    if statement.scanner == "pip-audit" and "requirements" not in statement.path.rpartition("/")[2]:
        return "stated: lock files and pyproject.toml are read too"
    if statement.scanner == "bandit" and not statement.path.endswith(".py"):
        return "stated: Python is recognised by its first line too"
    return ""
