"""`compline accept-drop`: a person releases a hold."""

from __future__ import annotations

from typing import Annotated

import typer

from compline.cli.common import ByOption, ConfigOption, person, session
from compline.pipeline import accept


def accept_drop(
    target: str,
    scanner: str,
    config: ConfigOption = None,
    reason: Annotated[str, typer.Option(help="Why the drop is right.")] = "",
    by: ByOption = "",
) -> None:
    """Believe a held look: findings that it did not show are resolved, now.

    A later look that sees them again reopens them.
    """
    with session(config) as opened:
        done = accept.accept_drop(opened, target, scanner, by=person(by), reason=reason)
    typer.echo(
        f"{len(done.resolved)} findings of {target} are resolved as accepted (run {done.run})"
    )
