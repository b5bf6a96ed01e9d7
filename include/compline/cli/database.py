"""`compline db`: the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from compline.cli.common import ConfigOption, Exit, session
from compline.pipeline.prune import prune_store
from compline.pipeline.session import store_url
from compline.reports.plain import printable
from compline.reports.terminal import console
from compline.store.check import check as check_store
from compline.store.check import mend as mend_store

app = typer.Typer(help="The findings store.", no_args_is_help=True)


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Create the store, or bring its schema up to date."""
    with session(config) as opened:
        kind = store_url(opened.config, opened.secrets).split(":", maxsplit=1)[0]
        typer.echo(f"the {kind} store is up to date")


@app.command()
def check(
    config: ConfigOption = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="First derive again what can be derived.")
    ] = False,
) -> None:
    """Check that everything holds that must hold in the store. Exits with 1 if something does not.

    Work may go on meanwhile.
    """
    broken = 0
    with session(config) as opened:
        if mend:
            mend_store(opened.store)
        for one in check_store(opened.store):
            if not one.broken:
                typer.echo(f"ok      {one.invariant.name}")
                continue
            broken += 1
            typer.echo(f"BROKEN  {one.invariant.name}: {one.invariant.sentence}")
            number = f"{one.broken:,}" if one.broken < one.most else f"at least {one.broken:,}"
            typer.echo(f"        {number} rows, among them:")
            for example in one.examples:
                typer.echo(f"          {printable(example)}")
            typer.echo(f"        {one.invariant.remedy}")
    if broken:
        typer.echo(f"{broken} invariants do not hold", err=True)
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def prune(
    config: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only count.")] = False,
    older_than: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Instead of `retention`.")
    ] = None,
) -> None:
    """Let go what is old: see `retention` in the configuration. Without --yes it only counts.

    Findings, and whatever one that is open, a reused result or a manifest stands on, always stay.
    Evidence has its own: `compline evidence prune`.
    """
    age = None if older_than is None else timedelta(days=older_than)
    with session(config) as opened:
        pruned = prune_store(opened, older_than=age, dry_run=not yes)
    table = Table(box=None, pad_edge=False)
    table.add_column("removed" if yes else "would go", justify="right")
    table.add_column("what")
    for one in pruned:
        table.add_row(f"{one.number:,}", Text(one.what))
    console().print(table)
    if not yes:
        typer.echo("nothing was removed: `compline db prune --yes` does it", err=True)
