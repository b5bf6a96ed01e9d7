"""An S3 store's inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores.object_stores.collected import declared_classes, names_of
from compline.scanners.stores.object_stores.frames import inventory_of
from compline.scanners.stores.s3.answers import store_of
from compline.scanners.stores.s3.client import S3Client

PACKAGES = ("boto3", "botocore")


def variant(_asked: Asked) -> str:
    """Every store is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks for each bucket's settings and some of its objects."""
    answers = S3Client(asked).answers(names_of(asked))
    return inventory_of(store_of(answers, declared_classes(asked)), asked.values)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return inventory_of(store_of(answers, {}), asked.values)
