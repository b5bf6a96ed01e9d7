"""The inventory of a project's Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores.gcs.answers import store_of
from compline.scanners.stores.gcs.client import GcsClient
from compline.scanners.stores.object_stores.collected import declared_classes, names_of
from compline.scanners.stores.object_stores.frames import inventory_of

PACKAGES = ("google-cloud-storage", "google-auth")


def variant(_asked: Asked) -> str:
    """Every project is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks for each bucket's settings and lists some of its objects."""
    answers = GcsClient(asked).answers(names_of(asked))
    return inventory_of(store_of(answers, declared_classes(asked), asked.values), asked.values)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return inventory_of(store_of(answers, {}, asked.values), asked.values)
