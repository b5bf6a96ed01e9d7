"""`compline targets`: what is listed and when it was last looked at."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from compline.cli.common import ConfigOption, session
from compline.reports.terminal import console, folded
from compline.store.looks import last_looks
from compline.targets.listed import Listed


def targets(
    config: ConfigOption = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the targets with their last completed look."""
    with session(config) as opened:
        listed = Listed().discover(opened.config)
        looks = last_looks(opened.store)
    rows = []
    for target in listed:
        times = [
            look.completed_at
            for (name, _), look in looks.items()
            if name == target.name and look.completed_at
        ]
        rows.append(
            {
                "name": target.name,
                "kind": target.kind.value,
                "locator": target.locator,
                "ref": target.ref,
                "labels": dict(target.labels),
                "last_look": max(times).isoformat(timespec="seconds") if times else None,
            }
        )
    if json_:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        console().print("No targets are listed: add some under `targets:` in compline.yaml.")
        return
    table = folded("name", "kind", "ref", "last look", "locator")
    for row in rows:
        last = str(row["last_look"] or "never").replace("T", " ").removesuffix("+00:00")
        table.add_row(*(Text(str(v)) for v in (row["name"], row["kind"], row["ref"], last)),
                      Text(str(row["locator"])))  # fmt: skip
    console().print(table)
