"""`compline replay`: the same statements once more, from evidence."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from compline.cli.common import ConfigOption, Exit, Format, FormatOption, session
from compline.pipeline.replay import Replayed, summary
from compline.pipeline.replay import replay as say_again
from compline.reports.plain import printable
from compline.reports.terminal import console, folded


def replay(
    run: Annotated[int, typer.Argument(metavar="RUN")],
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Make the statements of a run again from its evidence, and compare them with what is recorded.

    Exits with 1 if one differs, with 3 if one cannot be made again.
    """
    with session(config) as opened:
        found = say_again(opened, run)
    if format_ is Format.JSON:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2))
    else:
        _print(run, found)
    counts = summary(found)
    if counts["different"]:
        raise typer.Exit(Exit.FINDINGS)
    if counts["cannot"]:
        raise typer.Exit(Exit.INCOMPLETE)


def _print(run: int, found: tuple[Replayed, ...]) -> None:
    out = console()
    columns = ("target", "scanner", "verdict", "seen", "compared with", "but")
    table = folded(*columns, title=f"Run {run}")
    for each in found:
        table.add_row(
            Text(printable(each.target)),
            each.scanner,
            Text(each.verdict, "bold red" if each.verdict == "different" else ""),
            str(each.observations) if each.verdict in ("same", "different") else "",
            ", ".join(each.compared),
            Text(printable("; ".join((*each.differences, *each.cannot)))),
        )
    out.print(table)
    counts = summary(found)
    out.print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())))
