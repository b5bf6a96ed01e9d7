"""`compline demo`: the offline demo organisation."""

from __future__ import annotations

import typer

from compline.cli.common import DEMO_HOME, Exit, stop
from compline.demo import organisation

app = typer.Typer(help="The offline demo organisation.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Make the demo organisation under .compline/demo; keeps one that stands."""
    home = DEMO_HOME.resolve()
    try:
        typer.echo(organisation.build(home, home.parent))
    except RuntimeError as error:
        stop(str(error), Exit.INCOMPLETE)


@app.command()
def advance() -> None:
    """Move on by one commit, which makes something worse and mends something; works once."""
    moved = organisation.advance(DEMO_HOME.resolve())
    typer.echo(
        f"moved: {', '.join(moved)}" if moved else "nothing to move: it has advanced already"
    )


@app.command()
def reset() -> None:
    """Remove the demo organisation; its findings stay in the store until the next build's night."""
    organisation.reset(DEMO_HOME.resolve())
    typer.echo("the demo organisation is removed; `compline demo build` makes it anew")
