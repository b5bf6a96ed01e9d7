"""A stand-in for the Hub with one model, and a look at it; the Hub itself cannot be had here."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hub_looks import GOOD, Look
from hub_server import Hub, serving_hub
from model_folders import Models
from store_proxy import proxying

from compline.model import TargetKind
from compline.scanners.http import client


@pytest.fixture(scope="session")
def serving() -> Iterator[Hub]:
    """The stand-in, once; emptied for each test."""
    with serving_hub() as hub:
        yield hub


@pytest.fixture
def look(serving: Hub, models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """A good model on `main`, which is production's."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    hub = Hub(serving.url, serving.storage)
    for name, value in vars(hub).items():
        setattr(serving, name, value)
    with proxying(serving.url) as proxy, proxying(serving.storage) as storage:
        port = urlsplit(storage.url).port
        serving.storage = f"http://localhost:{port}"
        models.kind = TargetKind.MODEL_REGISTRY
        models.settings = {
            "kind": "huggingface",
            "organisation": "acme",
            "token": "env:HUB",
            "url": proxy.url,
            "file_hosts": [f"localhost:{port}"],
        }
        direct = hub.storage
        serving.push("fraud", GOOD)
        yield Look(serving, proxy, storage, models)
        serving.storage = direct
