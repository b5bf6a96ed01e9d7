"""The end of a run on a terminal: coverage, open findings, what got worse, where to look next."""

from __future__ import annotations

from compline.model import RegressionKind
from compline.reports.plain import printable
from compline.reports.terminal import console, coverage_table, severity_table, worse
from compline.store.engine import Store
from compline.store.findings import FindingFilter, count_findings
from compline.store.ledger import coverage
from compline.store.outbox import list_regressions
from compline.store.runs import get_run


def print_summary(store: Store, run: int) -> None:
    """Prints a finished run as a person wants to read it."""
    out = console()
    rows = coverage(store, run)
    out.print(coverage_table(rows))
    out.print()
    targets = tuple(sorted({row.target for row in rows}))
    # No target would mean all of them.
    counts = count_findings(store, FindingFilter(targets=targets)) if targets else {}
    out.print(severity_table(counts))
    out.print()
    told = [view.regression for view in list_regressions(store, run=run)]
    for one in told:
        if one.kind is RegressionKind.BASELINE:
            out.print(printable(f"{one.title[:1].upper()}{one.title[1:]} ({one.detail})"))
    out.print(worse([one for one in told if one.kind is not RegressionKind.BASELINE]))
    view = get_run(store, run)
    out.print(f"\nRun {run} is {view.result or 'not finished'}. Where to look next:")
    out.print("  compline findings --at-least high   the findings")
    out.print("  compline coverage                   what was not looked at")
    out.print("  make up                             the same in Airflow's pages")
