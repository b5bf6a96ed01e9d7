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
    home = DEMO_HOME.resolve()
    if not organisation.config_file(home).exists():
        stop("there is no demo organisation here: make it with `compline demo build`")
    try:
        moved = organisation.advance(home)
    except RuntimeError as error:
        stop(str(error), Exit.INCOMPLETE)
    typer.echo(
        f"moved: {', '.join(moved)}; a byte of a model changed"
        if moved
        else "nothing to move: it has advanced already"
    )


@app.command()
def reset() -> None:
    """Remove the demo organisation; its findings stay in the store until the next build's night."""
    home = DEMO_HOME.resolve()
    if not home.exists():
        typer.echo("there is no demo organisation here")
        return
    organisation.reset(home)
    typer.echo("the demo organisation is removed; `compline demo build` makes it anew")
