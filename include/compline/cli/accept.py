"""`compline accept-drop`: a person releases a hold."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from compline.cli.common import ConfigOption, session
from compline.pipeline import accept


def accept_drop(
    target: str,
    scanner: str,
    config: ConfigOption = None,
    reason: Annotated[str, typer.Option(help="Why the drop is right.")] = "",
    by: Annotated[
        str, typer.Option(help="Who you are; default: the user that runs the command.")
    ] = "",
) -> None:
    """Believe a held look: findings that it did not show are resolved, now.

    A later look that sees them again reopens them.
    """
    with session(config) as opened:
        done = accept.accept_drop(
            opened, target, scanner, by=by or getpass.getuser(), reason=reason
        )
    typer.echo(
        f"{len(done.resolved)} findings of {target} are resolved as accepted (run {done.run})"
    )
