"""`compline graph`: what depends on what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from compline.cli.common import ConfigOption, session
from compline.findings.graph import Reached
from compline.pipeline.graph import Assets, Neighbourhood, neighbourhood
from compline.pipeline.graph import assets as whole_graph
from compline.reports.graph import dot, mermaid
from compline.reports.plain import printable
from compline.reports.terminal import console, folded


class GraphFormat(StrEnum):
    """How a graph is written."""

    TABLE = "table"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


def graph(
    asset: Annotated[
        str, typer.Argument(metavar="[ASSET]", help="A target's name, or KIND/NAME; default: all.")
    ] = "",
    config: ConfigOption = None,
    format_: Annotated[GraphFormat, typer.Option("--format", "-f")] = GraphFormat.TABLE,
) -> None:
    """Show what depends on what: what a weakness in one asset reaches, and what it stands on."""
    with session(config) as opened:
        if not asset:
            _print_all(whole_graph(opened), format_)
            return
        near = neighbourhood(opened, asset)
    _print_one(near, format_)


def _print_all(found: Assets, format_: GraphFormat) -> None:
    if format_ is GraphFormat.JSON:
        typer.echo(json.dumps(found.as_json(), indent=2))
    elif format_ is GraphFormat.DOT:
        typer.echo(dot(found.graph.links, found.findings))
    elif format_ is GraphFormat.MERMAID:
        typer.echo(mermaid(found.graph.links, found.findings))
    elif not found.rows:
        console().print(
            "Nothing is linked: declare `links:` in compline.yaml, or let a night find some."
        )
    else:
        table = folded("asset", "findings", "reaches it", "how", "said by")
        for row in found.rows:
            link = row.link
            seen = f"{row.scanner} in {row.target}" if row.target else row.scanner
            table.add_row(
                *(
                    Text(printable(text))
                    for text in (
                        link.source,
                        _count(link.source, found.findings),
                        link.destination,
                        link.how,
                        seen,
                    )
                )
            )
        console().print(table)


def _print_one(near: Neighbourhood, format_: GraphFormat) -> None:
    ways = (*near.reaches, *near.comes_from)
    links = tuple(dict.fromkeys(link for one in ways for link in one.path))
    if format_ is GraphFormat.JSON:
        typer.echo(json.dumps(near.as_json(), indent=2))
    elif format_ is GraphFormat.DOT:
        typer.echo(dot(links, near.findings))
    elif format_ is GraphFormat.MERMAID:
        typer.echo(mermaid(links, near.findings))
    else:
        out = console()
        count = _count(near.asset, near.findings)
        known = f", {count} open findings" if count.isdigit() else f", {count}" if count else ""
        out.print(Text(f"{printable(near.asset)}{known}", "bold"))
        for title, found in (("Reaches", near.reaches), ("Comes from", near.comes_from)):
            if not found:
                out.print(f"{title} nothing that is known.")
                continue
            table = folded("asset", "findings", "way", title=title)
            for one in found:
                number = _count(one.asset, near.findings)
                table.add_row(Text(printable(one.asset)), number, way(one))
            out.print(table)


def _count(asset: str, findings: Mapping[str, int | None]) -> str:
    """Open findings; empty of what is no target."""
    count = findings.get(asset, -1)
    return "never looked at" if count is None else str(count) if count >= 0 else ""


def way(one: Reached) -> Text:
    """The steps from one asset to another, in words."""
    steps = [one.path[0].source, *(f"{link.how} {link.destination}" for link in one.path)]
    return Text(printable(", ".join([f"{steps[0]} {steps[1]}", *steps[2:]])))
