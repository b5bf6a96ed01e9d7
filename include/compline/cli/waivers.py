"""`compline waive`: accepted risks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from compline.cli.common import ByOption, ConfigOption, Format, FormatOption, person, session, stop
from compline.findings.waivers import VOIDED, Selector, Waiver, WaiverState
from compline.pipeline import waive
from compline.reports.plain import printable
from compline.reports.terminal import console, folded
from compline.store.waiver_views import HoldView, WaiverView, get_waiver, list_waivers
from compline.store.waivers import withdraw_waiver

app = typer.Typer(help="Accept risks, for a time.", no_args_is_help=True)


@app.command()
def add(
    finding: Annotated[str, typer.Argument(help="A finding's id; or give selectors.")] = "",
    config: ConfigOption = None,
    rule: Annotated[list[str] | None, typer.Option(help="Rule or advisory, a glob.")] = None,
    scanner: Annotated[list[str] | None, typer.Option("--scanner", "-s", help="A glob.")] = None,
    target: Annotated[list[str] | None, typer.Option("--target", "-t", help="A glob.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="A glob; * matches / too.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="name=value of the target, value a glob.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why the risk is accepted.")] = "",
    owner: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day on which it counts, UTC."),
    ] = None,
    by: ByOption = "",
) -> None:
    """Waive one finding, or whatever all given selectors match, now and later.

    It waits for `compline waive approve` where the configuration asks for a second person.
    """
    if expires is None:
        stop("A waiver needs an expiry: --expires YYYY-MM-DD")
    selector = Selector(
        tuple(rule or ()), tuple(scanner or ()), tuple(target or ()), tuple(path or ()),
        _labels(label or ()),
    )  # fmt: skip
    with session(config) as opened:
        made, holds = waive.add(
            opened,
            finding=finding,
            selector=selector,
            reason=reason,
            owner=owner,
            expires=expires.date(),
            requester=person(by),
        )
    typer.echo(_done(made, holds))


@app.command()
def approve(waiver: str, config: ConfigOption = None, by: ByOption = "") -> None:
    """Agree with a waiver that another person has asked for."""
    with session(config) as opened:
        made, holds = waive.approve(opened, waiver, person(by))
    typer.echo(_done(made, holds))


@app.command()
def withdraw(waiver: str, config: ConfigOption = None, by: ByOption = "") -> None:
    """Take a waiver back; its findings count again."""
    with session(config) as opened:
        withdraw_waiver(opened.store, waiver, person(by), opened.now())
    typer.echo(f"{waiver} is withdrawn")


@app.command("list")
def list_(
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
    state: Annotated[
        list[WaiverState] | None, typer.Option(help="Default: pending and active.")
    ] = None,
    expiring: Annotated[bool, typer.Option("--expiring", help="Only what ends soon.")] = False,
    expired: Annotated[bool, typer.Option("--expired", help="Only what has ended.")] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Only what holds no open finding.")
    ] = False,
) -> None:
    """List waivers, those that end first first."""
    states = list(state or ())
    if expired:
        states.append(WaiverState.EXPIRED)
    if not states:
        states = [WaiverState.PENDING, WaiverState.ACTIVE]
    with session(config) as opened:
        found = list_waivers(opened.store, states=states)
        soon = opened.now() + timedelta(days=opened.config.waivers.expiring_days)
    if expiring:
        found = tuple(
            one
            for one in found
            if one.waiver.state is WaiverState.ACTIVE and one.waiver.expires_at <= soon
        )
    if unused:
        found = tuple(
            one for one in found if one.waiver.state is WaiverState.ACTIVE and not one.findings
        )
    if format_ is Format.JSON:
        typer.echo(json.dumps([_json(one) for one in found], indent=2))
    elif not found:
        console().print("No waivers match.")
    else:
        console().print(_table(found))


@app.command()
def show(waiver: str, config: ConfigOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Show one waiver with the findings that it holds, or held."""
    with session(config) as opened:
        view, holds = get_waiver(opened.store, waiver)
    values = {**_json(view), "holds": [_hold(one) for one in holds]}
    if format_ is Format.JSON:
        typer.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        if name != "holds" and value not in ("", None, {}, []):
            shown = value if isinstance(value, str | int) else json.dumps(value)
            console().print(Text(f"{name:<11} {printable(str(shown))}"))
    for one in holds:
        end = f", void: {VOIDED[one.void]}" if one.void else ""
        console().print(Text(f"  {one.finding} {printable(one.title)} ({one.state}{end})"))


def _labels(given: Sequence[str]) -> dict[str, str]:
    labels = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            stop(f"--label {text}: write name=value")
        labels[name] = value
    return labels


def _done(waiver: Waiver, holds: int) -> str:
    if waiver.state is WaiverState.PENDING:
        return f"{waiver.id} waits for another person: compline waive approve {waiver.id}"
    last = (waiver.expires_at - timedelta(days=1)).date().isoformat()
    what = waiver.finding or f"{holds} open finding{'' if holds == 1 else 's'}"
    return f"{waiver.id} holds {what} through {last}"


def _table(found: Sequence[WaiverView]) -> Table:
    table = folded("id", "state", "source", "of", "open", "ends", "owner", "reason")
    for one in found:
        waiver = one.waiver
        of = waiver.finding or ", ".join(
            f"{name}={value if isinstance(value, dict) else '|'.join(value)}"
            for name, value in waiver.selector.as_json().items()
        )
        table.add_row(
            waiver.id,
            waiver.state.value,
            waiver.source.value,
            Text(printable(of)),
            str(one.findings),
            waiver.expires_at.date().isoformat(),
            Text(printable(waiver.owner)),
            Text(printable(waiver.reason)),
        )
    return table


def _json(view: WaiverView) -> dict[str, Any]:
    waiver = view.waiver
    return {
        "id": waiver.id,
        "state": waiver.state.value,
        "source": waiver.source.value,
        "finding": waiver.finding,
        "selector": waiver.selector.as_json(),
        "reason": waiver.reason,
        "owner": waiver.owner,
        "requester": waiver.requester,
        "approver": waiver.approver,
        "origin": dict(waiver.origin),
        "created_at": waiver.created_at.isoformat(),
        "expires_at": waiver.expires_at.isoformat(),
        "findings": view.findings,
        "ended_at": view.ended_at.isoformat() if view.ended_at else None,
        "ended_by": view.ended_by,
    }


def _hold(one: HoldView) -> dict[str, Any]:
    return {
        "finding": one.finding,
        "title": one.title,
        "state": one.state.value,
        "since": one.since.isoformat(),
        "void": one.void.value if one.void else None,
        "voided_at": one.voided_at.isoformat() if one.voided_at else None,
    }
