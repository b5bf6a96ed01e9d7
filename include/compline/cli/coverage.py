"""`compline coverage`: the ledger of a run, what was really looked at."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from compline.cli.common import ConfigOption, Format, FormatOption, session
from compline.reports.terminal import console, coverage_table
from compline.store import ledger
from compline.store.runs import get_run, latest_run


def coverage(
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
    run: Annotated[int | None, typer.Option(help="Default: the latest run.")] = None,
) -> None:
    """Show what was looked at, what was not, and why."""
    with session(config) as opened:
        view = latest_run(opened.store) if run is None else get_run(opened.store, run)
        rows = ledger.coverage(opened.store, view.id) if view else ()
    if format_ is Format.JSON:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=2))
    elif view is not None and not rows:
        state = "" if view.finished else " and has not finished"
        console().print(f"Run {view.id} looked at nothing{state}; `--run N` shows another one.")
    else:
        console().print(coverage_table(rows))
