"""`compline config`: check compline.yaml, and its JSON Schema for editors."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import typer

from compline.cli.common import ConfigOption, configuration, find_config, stop
from compline.config.loader import ConfigError, mistake_at
from compline.config.schema import Config
from compline.config.waivers import load_waivers
from compline.pipeline.foresee import not_here, wrong_policies
from compline.scanners.secret_identity import KeyUnusable, rotate

app = typer.Typer(help="Check the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Validate compline.yaml and its waivers.yaml; every mistake with its line.

    Exits with 2 on a mistake. Files and environment variables that this machine does not have are
    told and no mistake.
    """
    path = find_config(config)
    loaded = configuration(path)
    wrong = [str(mistake_at(path, *found)) for found in wrong_policies(loaded)]
    if wrong:
        stop("The configuration is not valid:\n" + "\n".join(wrong))
    if loaded.waivers.file is not None:
        try:
            load_waivers(loaded.waivers.file, loaded.waivers, datetime.now(UTC).date())
        except ConfigError as error:
            stop(str(error))
    for found in not_here(loaded, os.environ):
        typer.echo(f"note: {mistake_at(path, *found)}", err=True)
    targets = loaded.targets.names()
    typer.echo(f"{path} is valid: {len(targets)} targets, {len(loaded.schedules)} schedules")


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
