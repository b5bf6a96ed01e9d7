"""`compline scan`: the same use cases as the nightly DAG, without Airflow."""

from __future__ import annotations

from typing import Annotated

import typer

from compline.cli.common import EXIT_OF, ConfigOption, session
from compline.model import Severity
from compline.pipeline.adhoc import request_from_form
from compline.pipeline.once import run_once
from compline.reports.summary import print_summary


def scan(
    config: ConfigOption = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="Only this target; repeatable.")
    ] = None,
    scanner: Annotated[
        list[str] | None, typer.Option("--scanner", "-s", help="Only this scanner; repeatable.")
    ] = None,
    other: Annotated[
        str, typer.Option(help="An unlisted repository or image that `adhoc.allow` permits.")
    ] = "",
    revision: Annotated[
        str, typer.Option(help="Branch, tag or commit instead of the tracked one; alerts nobody.")
    ] = "",
    fail_at: Annotated[
        Severity | None, typer.Option(help="Least severity that makes the exit code 1.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Scan again whatever is cached.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the exit code.")] = False,
) -> None:
    """Scan now and print what was looked at, what was found and what got worse.

    Exit codes: 0 complete and nothing at or above the fail-at severity, 1 findings,
    2 usage or configuration, 3 incomplete, 130 interrupted.
    """
    asked = {
        "targets": target,
        "scanners": scanner,
        "other": other,
        "revision": revision,
        "fail_at": fail_at,
        "fresh": fresh,
    }
    with session(config, (lambda _progress: None) if quiet else None) as opened:
        request = request_from_form(opened.config, asked)
        try:
            run, result = run_once(opened, request)
        except KeyboardInterrupt:
            typer.echo("Interrupted: what was recorded stands; scan again for the rest", err=True)
            raise
        if not quiet:
            print_summary(opened.store, run)
    raise typer.Exit(EXIT_OF[result])
