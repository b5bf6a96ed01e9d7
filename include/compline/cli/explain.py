"""`compline explain`: the life of one finding."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compline.cli.common import ConfigOption, session
from compline.cli.evidence import proof_table
from compline.cli.graph import way
from compline.pipeline.explain import Life, told
from compline.pipeline.explain import explain as look_up
from compline.reports.plain import printable
from compline.reports.terminal import console, folded


class Format(StrEnum):
    """How a life is written."""

    TEXT = "text"
    JSON = "json"


def explain(
    finding: Annotated[str, typer.Argument(metavar="ID")],
    config: ConfigOption = None,
    format_: Annotated[Format, typer.Option("--format", "-f")] = Format.TEXT,
) -> None:
    """Explain a finding: why it is as it is, its life, witnesses, evidence, waivers and alerts."""
    with session(config) as opened:
        life = look_up(opened, finding)
    if format_ is Format.JSON:
        typer.echo(json.dumps(life.as_json(), indent=2))
        return
    out = console()
    for part in _parts(life):
        out.print(part)


def _parts(life: Life) -> list[RenderableType]:
    found = life.finding
    where = found.path + (f":{found.line}" if found.line else "")
    parts: list[RenderableType] = [
        Text(f"{found.id}  {printable(found.title)}", "bold"),
        Text(
            f"{found.severity}, {found.state}{''.join(f', {c}' for c in found.conditions)}, "
            f"{printable(found.target)} {printable(where or found.package)}"
        ),
    ]
    if life.asked != found.id:
        parts.append(Text(f"{life.asked} was merged into it"))
    parts.append(Text(f"Why: {printable(life.why)}"))
    parts += [Text(""), _events(life)]
    for proof in life.proofs:
        parts += [Text(""), proof_table(proof)]
    if life.waivers:
        parts += [Text(""), _waivers(life)]
    if life.reaches:
        parts += [Text(""), _reaches(life)]
    parts += [Text(""), *_alerts(life)]
    return parts


def _reaches(life: Life) -> Table:
    table = folded("asset", "way", title="Reaches")
    for one in life.reaches:
        table.add_row(Text(printable(one.asset)), way(one))
    return table


def _events(life: Life) -> Table:
    table = folded("at", "what", title="Events")
    for event in life.events:
        table.add_row(f"{event.at:%Y-%m-%d %H:%M}", Text(printable(told(event))))
    return table


def _waivers(life: Life) -> Table:
    table = folded("id", "state", "until", "owner", "reason", title="Waivers")
    for one in life.waivers:
        waiver = one.view.waiver
        state = waiver.state.value
        if one.hold is None:
            state += ", never in force for it"
        elif one.hold.void is not None:
            state += f", void: {one.hold.void}"
        table.add_row(
            waiver.id,
            state,
            f"{waiver.expires_at:%Y-%m-%d}",
            Text(printable(waiver.owner)),
            Text(printable(waiver.reason)),
        )
    return table


def _alerts(life: Life) -> list[RenderableType]:
    if not (life.regressions or life.deliveries or life.waiting):
        return [Text("Nobody was alerted of it.")]
    table = folded("at", "what", "state", title="Alerts")
    for one in life.regressions:
        regression = one.regression
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M}",
            Text(printable(f"{regression.kind.value}: {regression.detail}")),
            "routed" if one.routed else "waits",
        )
    for note in life.deliveries:
        table.add_row(
            f"{note.created_at:%Y-%m-%d %H:%M}",
            Text(printable(f"{note.event} to {note.channel} ({note.id})")),
            Text(printable(f"{note.state} {note.error}".strip())),
        )
    parts: list[RenderableType] = [table]
    if life.waiting:
        parts.append(Text(f"{life.waiting} wait for a digest or for the end of quiet hours"))
    return parts
