"""A PostgreSQL server's inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores.postgresql.frames import inventory_of
from compline.scanners.stores.postgresql.queries import Answers, ask

PACKAGES = ("psycopg",)


def variant(_asked: Asked) -> str:
    """Every server is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks the server in one read-only transaction."""
    answers = ask(asked.secret("url"), asked.seconds)
    return inventory_of(answers, asked.values.get("grants") or {})


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    rows = {name: tuple(tuple(row) for row in rows) for name, rows in answers["rows"].items()}
    return inventory_of(
        Answers(rows=rows, our_end=answers["our_end"]), asked.values.get("grants") or {}
    )
