"""The inventory of an Azure storage account's blobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.stores.azure_blob.answers import store_of
from compline.scanners.stores.azure_blob.client import AzureBlobClient
from compline.scanners.stores.object_stores.collected import declared_classes, names_of
from compline.scanners.stores.object_stores.frames import inventory_of

PACKAGES = ("azure-storage-blob", "azure-identity")
_RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def variant(_asked: Asked) -> str:
    """Every account is asked the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks for the account's and each container's settings and lists some of its blobs."""
    answers = AzureBlobClient(asked).answers(names_of(asked))
    store = store_of(answers, declared_classes(asked), asked.values, asked.now)
    return inventory_of(store, asked.values)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return inventory_of(store_of(answers, {}, asked.values, _RECORDED), asked.values)
