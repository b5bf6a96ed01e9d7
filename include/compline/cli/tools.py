"""`compline tools`: the scanners' own environments."""

from __future__ import annotations

from typing import Annotated

import typer

from compline.cli.common import ConfigOption, Exit, stop, workspace
from compline.reports.terminal import console, folded
from compline.tools.toolbox import NAMES, Toolbox, ToolUnavailable

app = typer.Typer(help="Install, check and list the scanners.", no_args_is_help=True)


@app.command()
def install(
    names: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    config: ConfigOption = None,
) -> None:
    """Install what is missing, each tool in its own hash-pinned environment."""
    unknown = [name for name in names or () if name not in NAMES]
    if unknown:
        stop(f"no tool named {', '.join(unknown)}; there are {', '.join(NAMES)}")
    box = Toolbox(workspace(config))
    try:
        box.install(tuple(names or NAMES), lambda line: typer.echo(line, err=True))
    except ToolUnavailable as error:
        stop(str(error), Exit.INCOMPLETE)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Exit with 3 if a tool is missing or is not what it should be."""
    statuses = Toolbox(workspace(config)).status()
    problems = [status for status in statuses if status.error]
    for status in problems:
        typer.echo(f"{status.name}: {status.error}", err=True)
    if problems:
        raise typer.Exit(Exit.INCOMPLETE)
    typer.echo(f"{len(statuses)} tools are as they should be")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the tools with version and place."""
    table = folded("tool", "version", "state", "executable")
    for status in Toolbox(workspace(config)).status():
        tool = status.tool
        version = tool.version if tool else f"({status.wanted} wanted)"
        table.add_row(
            status.name, version, status.error or "ready", str(tool.executable) if tool else ""
        )
    console().print(table)
