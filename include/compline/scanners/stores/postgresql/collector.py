"""A PostgreSQL server's inventory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores import certificate
from compline.scanners.stores.postgresql.frames import inventory_of
from compline.scanners.stores.postgresql.queries import Answers, ask

PACKAGES = ("psycopg",)


def variant(_asked: Asked) -> str:
    """Every server is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks the server in one read-only transaction."""
    return inventory_of(ask(asked.secret("url"), asked.seconds), asked.values, asked.now)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers, judged at the time when they were recorded."""
    rows = {name: tuple(tuple(row) for row in rows) for name, rows in answers["rows"].items()}
    handshakes = certificate.recorded(answers["handshakes"])
    return inventory_of(
        Answers(rows=rows, our_end=answers["our_end"], handshakes=handshakes),
        asked.values,
        datetime.fromisoformat(answers["now"]),
    )
