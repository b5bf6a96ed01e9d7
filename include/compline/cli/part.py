"""`compline part`: two findings that were merged are two again."""

from __future__ import annotations

from typing import Annotated

import typer

from compline.cli.common import ByOption, ConfigOption, person, session
from compline.pipeline import part as parting


def part(
    finding: Annotated[str, typer.Argument(help="The younger one, which leads to the other.")],
    config: ConfigOption = None,
    by: ByOption = "",
) -> None:
    """Give a merged finding its own witnesses back; the two are never merged again."""
    with session(config) as opened:
        done = parting.part(opened, finding, by=person(by))
    count = f"{done.witnesses} witness{'es' if done.witnesses > 1 else ''}"
    typer.echo(f"{done.younger} is a finding of its own again, with {count}; so is {done.older}")
