"""The `compline` command: joins the command groups."""

from __future__ import annotations

import traceback
from typing import Any

import typer

from compline import __version__
from compline.cli import (
    accept,
    alerts,
    config,
    coverage,
    database,
    demo,
    diff,
    evidence,
    explain,
    findings,
    gate,
    graph,
    health,
    imports,
    part,
    replay,
    scan,
    targets,
    tools,
    waivers,
)
from compline.cli.common import Exit


class _Program(typer.Typer):
    """Ends with 3 when something unforeseen happens: Python's own 1 would mean findings."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().__call__(*arguments, **options)
        except Exception:
            traceback.print_exc()
            raise SystemExit(Exit.INCOMPLETE) from None


app = _Program(
    name="compline",
    help="Continuous compliance for organisations that build AI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("scan")(scan.scan)
app.command("import")(imports.import_)
app.command("findings")(findings.findings)
app.command("explain")(explain.explain)
app.command("graph")(graph.graph)
app.command("diff")(diff.diff)
app.command("replay")(replay.replay)
app.command("coverage")(coverage.coverage)
app.command("targets")(targets.targets)
app.command("health")(health.health)
app.command("accept-drop")(accept.accept_drop)
app.command("part")(part.part)
app.add_typer(tools.app, name="tools")
app.add_typer(config.app, name="config")
app.add_typer(alerts.app, name="alerts")
app.add_typer(demo.app, name="demo")
app.add_typer(database.app, name="db")
app.add_typer(evidence.app, name="evidence")
app.add_typer(waivers.app, name="waive")
app.add_typer(gate.app, name="gate")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
