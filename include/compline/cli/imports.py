"""`compline import`: a report that was made elsewhere, under the same laws as our own scans."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from compline.cli.common import EXIT_OF, ConfigOption, session, stop
from compline.model import Severity
from compline.pipeline.imports import Import, import_report
from compline.reports.summary import print_summary
from compline.scanners.imports.report import FORMATS, WrongFile

Format = StrEnum("Format", {name: name for name in FORMATS})  # type: ignore[misc]


def import_(
    scanner: Annotated[Format, typer.Argument(help="The kind of report.", metavar="SCANNER")],
    file: Annotated[Path, typer.Argument(help="The report; - reads standard input.")],
    target: Annotated[str, typer.Option("--target", "-t", help="The listed target it is about.")],
    config: ConfigOption = None,
    revision: Annotated[
        str,
        typer.Option(
            help="Commit, branch or tag that the report is about. Default: what the report says, "
            "else the tracked head. At another than that it changes and alerts nothing."
        ),
    ] = "",
    complete: Annotated[
        bool,
        typer.Option(
            "--complete", help="A whole look: what the report does not show is gone, not unknown."
        ),
    ] = False,
    fail_at: Annotated[
        Severity | None, typer.Option(help="Least severity that makes the exit code 1.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the exit code.")] = False,
) -> None:
    """Import a report: JSON of bandit, semgrep, pip-audit or trivy, SARIF, CycloneDX, or garak's.

    Without --complete nothing is closed. A report that is truncated, or says itself that its run
    failed, is a failed look. Exit codes as of `scan`: 0 complete and nothing at or above the
    fail-at severity, 1 findings, 2 usage or the wrong kind of file, 3 incomplete.
    """
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}")
    with session(config, (lambda _progress: None) if quiet else None) as opened:
        asked = Import(
            scanner.value,
            data,
            target,
            revision,
            complete,
            fail_at or opened.config.execution.fail_at,
        )
        try:
            run, result = import_report(opened, asked)
        except WrongFile as error:
            stop(f"{file}: {error}")
        if not quiet:
            print_summary(opened.store, run)
    raise typer.Exit(EXIT_OF[result])
