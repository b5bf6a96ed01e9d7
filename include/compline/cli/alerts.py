"""`compline alerts`: the outbox."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from compline.alerts.channels import AppriseChannel, DeliveryFailed
from compline.cli.common import ConfigOption, Exit, session, stop
from compline.config.secrets import SecretMissing
from compline.pipeline.notify import notify
from compline.reports.terminal import console
from compline.store.outbox import list_deliveries, retry_delivery


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


app = typer.Typer(help="See, test and retry alerts.", no_args_is_help=True)


@app.command("list")
def list_(
    config: ConfigOption = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Default: all.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """List deliveries, the newest first."""
    with session(config) as opened:
        deliveries = list_deliveries(opened.store, state=state, limit=limit)
    if not deliveries:
        nothing = "No deliveries: nothing got worse since the first look."
        console().print(f"No {state} deliveries." if state else nothing)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "run", "channel", "state", "attempts", "subject", "error"):
        table.add_column(column, overflow="fold")
    for one in deliveries:
        table.add_row(str(one.id), str(one.run), one.channel, one.state, str(one.attempts),
                      Text(str(one.payload.get("subject", one.subject))),
                      Text(one.error or ""))  # fmt: skip
    console().print(table)


@app.command()
def test(channel: str, config: ConfigOption = None) -> None:
    """Send a test message to one configured channel."""
    with session(config) as opened:
        for one in opened.config.alerts.channels:
            if one.name == channel:
                try:
                    address = opened.secrets.resolve(one.url)
                    AppriseChannel(address).send("[Compline] test", "The channel works.")
                except DeliveryFailed as error:
                    stop(f"{channel}: {error}", Exit.INCOMPLETE)
                except SecretMissing:
                    raise
                except Exception as error:  # its message may quote the URL, which is a secret
                    stop(f"{channel}: it crashed ({type(error).__name__})", Exit.INCOMPLETE)
                typer.echo(f"{channel} took the test message")
                return
        names = ", ".join(one.name for one in opened.config.alerts.channels) or "none"
        stop(f"no channel named {channel}; configured are: {names}")


@app.command()
def retry(delivery: str, config: ConfigOption = None) -> None:
    """Try a delivery again now."""
    with session(config) as opened:
        retry_delivery(opened.store, delivery, opened.now())
        if notify(opened):
            raise typer.Exit(Exit.INCOMPLETE)
