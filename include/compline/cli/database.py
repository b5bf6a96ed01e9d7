"""`compline db`: the store."""

from __future__ import annotations

import typer

from compline.cli.common import ConfigOption, session
from compline.pipeline.session import store_url

app = typer.Typer(help="The findings store.", no_args_is_help=True)


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Create the store, or bring its schema up to date."""
    with session(config) as opened:
        kind = store_url(opened.config, opened.secrets).split(":", maxsplit=1)[0]
        typer.echo(f"the {kind} store is up to date")
