"""A Kafka cluster's inventory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores import certificate
from compline.scanners.stores.kafka.client import Answers, ask
from compline.scanners.stores.kafka.frames import inventory_of

PACKAGES = ("kafka-python",)


def variant(_asked: Asked) -> str:
    """Every cluster is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks the cluster."""
    return inventory_of(ask(asked.secret("url"), asked.seconds), asked.values, asked.now)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers, judged at the time when they were recorded."""
    known = Answers(
        brokers=answers["brokers"],
        topics=tuple((name, internal) for name, internal in answers["topics"]),
        acls=tuple(tuple(acl) for acl in answers["acls"]),
        secured=answers["secured"],
        protocol=answers["protocol"],
        handshakes=certificate.recorded(answers["handshakes"]),
    )
    return inventory_of(known, asked.values, datetime.fromisoformat(answers["now"]))
