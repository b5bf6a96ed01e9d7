"""A Redis server's inventory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores import certificate
from compline.scanners.stores.redis.client import Answers, ask
from compline.scanners.stores.redis.frames import inventory_of

PACKAGES = ("redis",)


def variant(_asked: Asked) -> str:
    """Every server is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks the server over one connection."""
    return inventory_of(ask(asked.secret("url"), asked.seconds), asked.values, asked.now)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers, judged at the time when they were recorded."""
    known = Answers(
        settings=answers["settings"],
        users=tuple(answers["users"]),
        categories={name: tuple(found) for name, found in answers["categories"].items()},
        info=answers["info"],
        our_end=answers["our_end"],
        who=answers["who"],
        handshakes=certificate.recorded(answers["handshakes"]),
    )
    return inventory_of(known, asked.values, datetime.fromisoformat(answers["now"]))
