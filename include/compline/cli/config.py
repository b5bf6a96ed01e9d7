"""`compline config`: check compline.yaml, and its JSON Schema for editors."""

from __future__ import annotations

import json

import typer

from compline.cli.common import ConfigOption, configuration, find_config
from compline.config.schema import Config
from compline.targets.listed import Listed

app = typer.Typer(help="Check the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Validate compline.yaml; every mistake with its line. Exits with 2 on a mistake."""
    loaded = configuration(config)
    targets = Listed().discover(loaded)
    typer.echo(f"{find_config(config)} is valid: {len(targets)} targets, "
               f"{len(loaded.schedules)} schedules")  # fmt: skip


@app.command()
def schema() -> None:
    """Print the JSON Schema of compline.yaml."""
    typer.echo(json.dumps(Config.model_json_schema(by_alias=True), indent=2))
