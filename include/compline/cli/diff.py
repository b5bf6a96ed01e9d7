"""`compline diff`: what two runs say differently, and why."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from compline.cli.common import ConfigOption, Format, FormatOption, session
from compline.findings.comparison import CAUSES, Difference
from compline.pipeline.compare import RunDiff, compare_runs, counts
from compline.reports.plain import printable
from compline.reports.terminal import console, folded


def diff(
    run_a: Annotated[int, typer.Argument(metavar="RUN_A")],
    run_b: Annotated[int, typer.Argument(metavar="RUN_B")],
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show what opened, resolved and changed between two runs: by code, rules or advisories.

    A finding whose look changed in two ways counts under both. Where a run looked beside the
    tracked ref (another revision, an import), what both said is compared instead of the findings.
    """
    with session(config) as opened:
        found = compare_runs(opened, run_a, run_b)
    if format_ is Format.JSON:
        values = found.as_json() | {"counts": counts(found.comparison)}
        typer.echo(json.dumps(values, indent=2))
        return
    _print(found)


def _print(found: RunDiff) -> None:
    out = console()
    numbers = counts(found.comparison)
    table = Table(
        title=f"From run {found.before.id} to run {found.after.id}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("", *CAUSES):
        table.add_column(column, justify="right" if column else "left")
    for what, by_cause in numbers.items():
        table.add_row(what, *(str(by_cause[cause]) for cause in CAUSES))
    out.print(table)
    for what in ("opened", "resolved", "changed"):
        differences = found.comparison.of(what)
        if differences:
            out.print()
            out.print(_differences(what, differences))
    if found.facts:
        out.print()
        out.print(Text("Permissions and models"))
        for text in found.facts:
            out.print(Text(printable(text)))
    if found.comparison.moved:
        out.print()
        looks = folded("target", "scanner", "what differs", title="Looks")
        for one in found.comparison.moved:
            looks.add_row(Text(printable(one.target)), one.scanner, ", ".join(one.causes))
        out.print(looks)
    for note in found.notes:
        out.print(Text(printable(f"not compared: {note}"), "dim"))


def _differences(what: str, differences: tuple[Difference, ...]) -> Table:
    columns = ("id", "severity", "target", "title", "by", "how")
    table = folded(*columns, title=what.capitalize())
    for one in differences:
        table.add_row(
            Text(printable(one.finding)),
            one.about.severity.value,
            Text(printable(one.about.target)),
            Text(printable(one.about.title)),
            ", ".join(one.causes),
            Text(printable("; ".join(one.steps))),
        )
    return table
