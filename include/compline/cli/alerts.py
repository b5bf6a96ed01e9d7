"""`compline alerts`: what was sent, what waits, and what the rules would send."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from compline.alerts.channels import DeliveryFailed
from compline.alerts.escape import clean
from compline.alerts.messages import Entry, Event, Form, Message
from compline.cli.common import ConfigOption, Exit, Format, FormatOption, session, stop
from compline.pipeline.notify import deliver, send
from compline.pipeline.preview import Previewed
from compline.pipeline.preview import preview as preview_past
from compline.reports.terminal import console, folded
from compline.store.outbox import (
    Delivery,
    deliveries_about,
    list_deliveries,
    retry_dead,
    retry_delivery,
)


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


app = typer.Typer(help="See, test, retry and preview alerts.", no_args_is_help=True)


@app.command("list")
def list_(
    config: ConfigOption = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Default: all.")] = None,
    finding: Annotated[str, typer.Option(help="Only what was said of this finding.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List deliveries, the newest first."""
    with session(config) as opened:
        if finding:
            found = deliveries_about(opened.store, finding, limit)
            found = tuple(one for one in found if state is None or one.state == state)
        else:
            found = list_deliveries(opened.store, state=state, limit=limit)
    if format_ is Format.JSON:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2, default=str))
        return
    if not found:
        nothing = "No deliveries: nothing got worse since the first look."
        console().print(f"No {state} deliveries." if state else nothing)
        return
    columns = ("id", "run", "channel", "event", "state", "attempts", "subject", "note")
    table = folded(*columns)
    for one in found:
        title = Message.from_json(one.payload).title
        table.add_row(one.id, str(one.run or ""), one.channel, one.event, one.state,
                      str(one.attempts), Text(clean(title)), Text(clean(one.error)))  # fmt: skip
    console().print(table)


@app.command()
def test(channel: str, config: ConfigOption = None) -> None:
    """Send a test message to one configured channel."""
    with session(config) as opened:
        names = [one.name for one in opened.config.alerts.channels]
        if channel not in names:
            there = ", ".join(names) or "none"
            stop(f"no channel named {channel}; configured are: {there}")
        number = f"test-{uuid.uuid4()}"
        organisation = opened.config.organisation
        entry = Entry(Event.TEST, "test", number, "", "", "", "the channel works")
        message = Message(
            organisation, Form.SINGLE, Event.TEST, "test", "test of the channel", (entry,)
        )
        probe = Delivery(number, None, channel, "test", message.as_json(), 1, number, opened.now())
        try:
            note = send(opened, probe)
        except DeliveryFailed as error:
            stop(f"{channel}: {error}", Exit.INCOMPLETE)
    typer.echo(f"{channel} took the test message{f'; {note}' if note else ''}")


@app.command()
def retry(
    delivery: Annotated[str, typer.Argument(help="Its id.")] = "",
    dead: Annotated[bool, typer.Option("--dead", help="All that were given up.")] = False,
    config: ConfigOption = None,
) -> None:
    """Try a delivery again now, or all that were given up."""
    if bool(delivery) == dead:
        stop("name one delivery, or write --dead")
    with session(config) as opened:
        if dead:
            typer.echo(f"{retry_dead(opened.store, opened.now())} deliveries are due again")
        else:
            retry_delivery(opened.store, delivery, opened.now())
        if deliver(opened):
            raise typer.Exit(Exit.INCOMPLETE)


@app.command()
def preview(
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, max=400)] = 30,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show what the rules of now would have sent over the last days; sends nothing."""
    with session(config) as opened:
        sent = preview_past(opened, days)
    if format_ is Format.JSON:
        shown = [
            {"at": one.at.isoformat(), "channel": one.channel, **one.message.as_json()}
            for one in sent
        ]
        typer.echo(json.dumps(shown, indent=2))
        return
    _print_preview(sent, days)


def _print_preview(sent: tuple[Previewed, ...], days: int) -> None:
    if not sent:
        console().print(f"Nothing would have been sent over the last {days} days.")
        return
    table = folded("at", "channel", "rule", "form", "event", "of", "subject")
    for one in sent:
        message = one.message
        table.add_row(f"{one.at:%Y-%m-%d %H:%M}", one.channel, message.rule, message.form,
                      message.event, str(message.total), Text(clean(message.title)))  # fmt: skip
    console().print(table)
    counts = Counter(one.channel for one in sent)
    shown = ", ".join(f"{number} to {channel}" for channel, number in counts.most_common())
    console().print(f"{len(sent)} messages over {days} days: {shown}", markup=False)
