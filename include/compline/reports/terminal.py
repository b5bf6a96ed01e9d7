"""What a person reads at the end of a run: coverage, findings, what got worse, what next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from compline.findings.graph import ReachOf, nothing
from compline.findings.regressions import Regression
from compline.model import Severity, State
from compline.reports.plain import printable
from compline.store.findings import FindingView
from compline.store.ledger import LedgerRow

_STYLE = {
    "critical": "bold red", "high": "red", "unknown": "red",
    "medium": "yellow", "low": "cyan", "info": "dim",
    "completed": "green", "skipped": "dim", "failed": "bold red", "held": "yellow",
}  # fmt: skip
_WORST = 10


def folded(*columns: str, title: str = "") -> Table:
    """An empty table whose cells are folded, so that nothing is cut."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def coverage_table(rows: Sequence[LedgerRow]) -> RenderableType:
    """What was looked at, what was not, and why: a line per target and scanner.

    Warnings, which many rows share, are numbered and told once below.
    """
    if not rows:
        return Text("Nothing was looked at yet: run `compline scan` or `make nightly`.")
    table = Table(title="Coverage", title_justify="left", box=None, pad_edge=False)
    for column in ("target", "scanner", "outcome", "seen", "gaps", "seconds"):
        table.add_column(
            column,
            justify="right" if column in ("seen", "seconds") else "left",
            overflow="fold",
            no_wrap=column in ("outcome", "seen", "seconds"),
        )
    table.add_column("why", overflow="fold")
    notes = {
        text: n for n, text in enumerate(dict.fromkeys(w for r in rows for w in r.warnings), 1)
    }
    for row in rows:
        why = [*row.rests_on, *filter(None, [row.reason])]
        why += [f"see note {notes[text]}" for text in row.warnings]
        table.add_row(
            Text(printable(row.target)),
            row.scanner,
            Text(row.outcome, _STYLE.get(row.outcome, "")),
            str(row.observations) if row.outcome == "completed" else "",
            row.left_out,
            f"{row.seconds:.1f}" if row.seconds else "",
            Text(printable("; ".join(why))),
        )
    told = [Text(f"note {number}: {printable(text)}") for text, number in notes.items()]
    return Group(table, *told)


def severity_table(counts: Mapping[tuple[str, Severity, State], int]) -> RenderableType:
    """Open findings by target and severity; `counts` is keyed by target, severity and state."""
    by_target: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (target, severity, state), number in counts.items():
        if state is State.OPEN:
            by_target[target][severity.value] += number
    if not by_target:
        return Text("No open findings.")
    severities = sorted(Severity, key=lambda severity: -severity.rank)
    table = Table(title="Open findings", title_justify="left", box=None, pad_edge=False)
    table.add_column("target", overflow="fold")
    for severity in severities:
        table.add_column(severity.value, justify="right", style=_STYLE[severity.value])
    table.add_column("all", justify="right")
    for target, found in sorted(by_target.items()):
        cells = [str(found[severity.value] or "") for severity in severities]
        table.add_row(Text(printable(target)), *cells, str(found.total()))
    return table


def worse(regressions: Sequence[Regression]) -> RenderableType:
    """What got worse since the last completed look, the worst first."""
    if not regressions:
        return Text("Nothing got worse.")
    ordered = sorted(regressions, key=lambda one: -(one.severity.rank if one.severity else 2))
    lines: list[RenderableType] = [Text(f"Got worse: {len(regressions)}", style="bold")]
    for one in ordered[:_WORST]:
        severity = one.severity.value if one.severity else ""
        line = Text(f"  {one.kind.value.replace('_', ' ')} ")
        line.append(f"{severity} " if severity else "", _STYLE.get(severity, ""))
        line.append(printable(f"{one.target}: {one.title} ({one.subject})"))
        lines.append(line)
    if len(ordered) > _WORST:
        lines.append(Text(f"  ... and {len(ordered) - _WORST} more"))
    return Group(*lines)


def findings_table(findings: Iterable[FindingView], reach: ReachOf = nothing) -> RenderableType:
    """One line per finding; what it reaches has a column where any reaches something."""
    chosen = list(findings)
    if not chosen:
        return Text("No findings match.")
    table = Table(box=None, pad_edge=False)
    columns = ["id", "severity", "target", "where", "title", "seen by", "conditions"]
    reached = [reach(one.target).words(1, lambda name: printable(name)[:60]) for one in chosen]
    if any(reached):
        columns.append("reaches")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "severity"))
    for one, told in zip(chosen, reached, strict=True):
        where = one.path + (f":{one.line}" if one.line else "")
        if one.package:
            where = f"{one.package} {one.version}"
        seen_by = sorted({witness["scanner"] for witness in one.as_json()["witnesses"]})
        table.add_row(
            one.id,
            Text(str(one.severity), _STYLE[str(one.severity)]),
            Text(printable(one.target)),
            Text(printable(where)),
            Text(printable(one.title)),
            ", ".join(seen_by),
            ", ".join(one.conditions),
            *([Text(told)] if any(reached) else []),
        )
    return table


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """Whoever reads has seen enough: no failure, and above all not `findings`."""
        with suppress(SystemExit):
            super().on_broken_pipe()


def console() -> Console:
    """The terminal; wide enough to be read by machines when it is none."""
    found = _Terminal(highlight=False)
    return found if found.is_terminal else _Terminal(highlight=False, width=160)
