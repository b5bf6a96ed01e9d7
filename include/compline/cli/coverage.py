"""`compline coverage`: the ledger of a run, what was really looked at."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from compline.cli.common import ConfigOption, Format, FormatOption, session, stop
from compline.evidence.locker import EvidenceMissing
from compline.evidence.readings import FileReadings, file_readings
from compline.pipeline.session import Session
from compline.reports.looked import look_in_full
from compline.reports.terminal import console, coverage_table
from compline.store import ledger
from compline.store.ledger import LedgerRow
from compline.store.runs import get_run, latest_run


def coverage(
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
    run: Annotated[int | None, typer.Option(help="Default: the latest run.")] = None,
    target: Annotated[
        str, typer.Option(help="This one in full: each gap by name, which model files were read.")
    ] = "",
    scanner: Annotated[str, typer.Option(help="Of this scanner only.")] = "",
) -> None:
    """Show what was looked at, what was not, and why."""
    with session(config) as opened:
        view = latest_run(opened.store) if run is None else get_run(opened.store, run)
        everything = ledger.coverage(opened.store, view.id) if view else ()
        rows = [
            row for row in everything if target in ("", row.target) and scanner in ("", row.scanner)
        ]
        if everything and not rows:
            _nothing_of(target, scanner, everything)
        full = [(row, *(_files(opened, row) if target else (None, ""))) for row in rows]
    if format_ is Format.JSON:
        told = [{**row.as_json(), **_as_json(files, trouble)} for row, files, trouble in full]
        typer.echo(json.dumps(told, indent=2))
    elif view is not None and not rows:
        state = "" if view.finished else " and has not finished"
        console().print(f"Run {view.id} looked at nothing{state}; `--run N` shows another one.")
    else:
        console().print(coverage_table(rows))
        for one in full if target else ():
            console().print(look_in_full(*one))


def _files(opened: Session, row: LedgerRow) -> tuple[FileReadings | None, str]:
    """What a row's evidence tells of its files, or why it does not; nothing of other looks."""
    if row.files is None or row.reused_from is not None:
        return None, ""
    try:
        told = (file_readings(opened.evidence.get(digest)) for digest in row.evidence)
        readings = next((one for one in told if one is not None), None)
    except EvidenceMissing as error:
        return None, str(error)
    return readings, "" if readings else "no evidence of its files was kept"


def _as_json(files: FileReadings | None, trouble: str) -> dict[str, Any]:
    if trouble:
        return {"readings": {"trouble": trouble}}
    if files is None:
        return {}
    oldest = files.oldest.isoformat() if files.oldest else None
    return {"readings": {**asdict(files), "oldest": oldest}}


def _nothing_of(target: str, scanner: str, rows: tuple[LedgerRow, ...]) -> None:
    run = rows[0].run
    if target and all(row.target != target for row in rows):
        known = ", ".join(sorted({row.target for row in rows}))
        stop(f"Run {run} has not looked at {target!r}; it looked at: {known}")
    known = ", ".join(sorted({row.scanner for row in rows if target in ("", row.target)}))
    stop(f"In run {run} there is nothing of the scanner {scanner!r}; there is: {known}")
