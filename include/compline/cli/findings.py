"""`compline findings`: the findings that match, in several formats."""

from __future__ import annotations

import json
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import typer

from compline.cli.common import ConfigOption, session, stop
from compline.model import Severity, State
from compline.pipeline.graph import reach_by_target
from compline.pipeline.lives import as_of
from compline.pipeline.session import Session
from compline.reports.delimited import findings_csv
from compline.reports.sarif import findings_sarif
from compline.reports.terminal import console, findings_table
from compline.scanners import registry
from compline.store.engine import Store
from compline.store.findings import Condition, FindingFilter, get_finding, list_findings
from compline.store.looks import last_looks
from compline.store.runs import get_run
from compline.store.targets import list_targets


class Format(StrEnum):
    """How findings are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SARIF = "sarif"


def findings(
    ids: Annotated[list[str] | None, typer.Argument(help="Only these ids.")] = None,
    config: ConfigOption = None,
    format_: Annotated[Format, typer.Option("--format", "-f")] = Format.TABLE,
    state: Annotated[list[State] | None, typer.Option(help="Default: open.")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Exactly these.")] = None,
    at_least: Annotated[Severity | None, typer.Option(help="This severity or worse.")] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="Of this target; repeatable.")
    ] = None,
    scanner: Annotated[
        list[str] | None, typer.Option("--scanner", "-s", help="Seen by this scanner; repeatable.")
    ] = None,
    condition: Annotated[
        list[Condition] | None, typer.Option(help="In one of these conditions.")
    ] = None,
    without: Annotated[
        list[Condition] | None, typer.Option(help="In none of these conditions.")
    ] = None,
    since_run: Annotated[
        int | None, typer.Option(help="Only what was opened or reopened in or after this run.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List findings, the greatest risk first; without filters the open ones."""
    with session(config) as opened:
        at = as_of(opened)
        if ids:
            filters = (state, severity, at_least, target, scanner, condition, without)
            if any((*filters, since_run, limit)):
                stop("give either ids or filters: what an id names is shown whatever it is")
            unique = dict.fromkeys(ids)
            found = tuple(get_finding(opened.store, one, as_of=at) for one in unique)
        else:
            _check(opened, target or (), scanner or (), since_run)
            chosen = FindingFilter(
                states=tuple(state or (State.OPEN,)),
                severities=tuple(severity or ()),
                at_least=at_least,
                targets=tuple(target or ()),
                scanners=tuple(scanner or ()),
                conditions=tuple(condition or ()),
                without=tuple(without or ()),
                now=at.now,
                stale_since=at.stale_since,
                since_run=since_run,
            )
            found = list_findings(opened.store, chosen, limit=limit, as_of=at)
        reach = reach_by_target(opened)
    match format_:
        case Format.TABLE:
            console().print(findings_table(found, reach))
        case Format.JSON:
            plain = [{**one.as_json(), **reach(one.target).as_json()} for one in found]
            typer.echo(json.dumps(plain, indent=2))
        case Format.CSV:
            typer.echo(findings_csv(found, reach), nl=False)
        case Format.SARIF:
            typer.echo(json.dumps(findings_sarif(found, reach), indent=2))


def _scanners(store: Store) -> tuple[str, ...]:
    """Ours, and those whose reports were imported."""
    imported = {name for _, name in last_looks(store) if name.startswith("import:")}
    return (*registry.names(), *sorted(imported))


def _check(
    opened: Session, targets: Collection[str], scanners: Collection[str], since_run: int | None
) -> None:
    """Ends the command on a filter that can match nothing because what it names is unknown."""
    seen = [row.name for row in list_targets(opened.store)]
    known = list(dict.fromkeys([*seen, *opened.config.targets.names()]))
    scanned_by = _scanners(opened.store)
    for names, there, what in ((targets, known, "target"), (scanners, scanned_by, "scanner")):
        unknown = [name for name in names if name not in there]
        if unknown:
            stop(f"no {what} named {', '.join(unknown)}; known are: {', '.join(there) or 'none'}")
    if since_run is not None:
        get_run(opened.store, since_run)
