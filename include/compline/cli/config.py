"""`compline config`: check compline.yaml, and its JSON Schema for editors."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from compline.cli.common import ConfigOption, configuration, find_config, stop
from compline.config.loader import ConfigError
from compline.config.schema import Config
from compline.config.waivers import load_waivers
from compline.scanners.secret_identity import KeyUnusable, rotate
from compline.targets.listed import Listed

app = typer.Typer(help="Check the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Validate compline.yaml and its waivers.yaml; every mistake with its line.

    Exits with 2 on a mistake.
    """
    loaded = configuration(config)
    if loaded.waivers.file is not None:
        try:
            load_waivers(loaded.waivers.file, loaded.waivers, datetime.now(UTC).date())
        except ConfigError as error:
            stop(str(error))
    targets = Listed().discover(loaded)
    typer.echo(f"{find_config(config)} is valid: {len(targets)} targets, "
               f"{len(loaded.schedules)} schedules")  # fmt: skip


@app.command()
def schema() -> None:
    """Print the JSON Schema of compline.yaml."""
    typer.echo(json.dumps(Config.model_json_schema(by_alias=True), indent=2))


@app.command("rotate-key")
def rotate_key(config: ConfigOption = None) -> None:
    """Hash secrets with a new key from now on.

    The one before stays below it in the workspace's secret.key, and links what is known, until
    every target was looked at; then its line may be removed.
    """
    loaded = configuration(config)
    if loaded.secrets.key is not None:
        stop("The key is configured: change what `secrets.key` refers to, and name the one "
             "before under `secrets.former`")  # fmt: skip
    try:
        key = rotate(loaded.workspace)
    except KeyUnusable as error:
        stop(str(error))
    typer.echo(f"key {key.id} is in use; {len(key.ids) - 1} former")
