"""`compline health`: for an outside monitor, which hears of silence when nobody else does."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import typer
from rich.text import Text

from compline.cli.common import ConfigOption, Format, FormatOption, configuration
from compline.config.secrets import SecretMissing, SecretResolver
from compline.pipeline.health import Check, check_health
from compline.pipeline.session import open_session
from compline.reports.plain import printable
from compline.reports.terminal import console, folded
from compline.store.engine import StoreError

_BAD = 1


def health(
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Say whether schedules start and finish, alerts go out, advisories are recent.

    Exit codes: 0 all is well, 1 something is not, 2 the configuration is not valid.
    """
    settings = configuration(config)
    try:
        with open_session(settings, SecretResolver(os.environ), lambda _p: None) as session:
            checks = check_health(session)
    except (SecretMissing, StoreError) as error:
        checks = (Check("store", False, str(error)),)
    well = all(check.ok for check in checks)
    if format_ is Format.JSON:
        typer.echo(json.dumps({"ok": well, "checks": [asdict(one) for one in checks]}, indent=2))
    else:
        table = folded("", "what", "says")
        for one in checks:
            style = "" if one.ok else "bold red"
            table.add_row(Text("✓" if one.ok else "✗", style), one.subject, printable(one.says))
        console().print(table)
    if not well:
        raise typer.Exit(_BAD)
