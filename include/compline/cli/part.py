"""`compline part`: two findings that were merged are two again."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from compline.cli.common import ConfigOption, session
from compline.pipeline import part as parting


def part(
    finding: Annotated[str, typer.Argument(help="The younger one, which leads to the other.")],
    config: ConfigOption = None,
    by: Annotated[
        str, typer.Option(help="Who you are; default: the user that runs the command.")
    ] = "",
) -> None:
    """Give a merged finding its own witnesses back; the two are never merged again."""
    with session(config) as opened:
        done = parting.part(opened, finding, by=by or getpass.getuser())
    count = f"{done.witnesses} witness{'es' if done.witnesses > 1 else ''}"
    typer.echo(f"{done.younger} is a finding of its own again, with {count}; so is {done.older}")
