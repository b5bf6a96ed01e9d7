"""The gate and a registry of the Hugging Face Hub: a tag that it approved may be served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gated import FILES, Gated
from hub_server import TOKEN, Hub, serving_hub

ENVIRONMENT = {"HUB_TOKEN": TOKEN}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving_hub() as running:
        running.push("fraud", FILES)
        running.tag("fraud", "v1")
        running.push("fraud", {**FILES, "notes.txt": b"the second"})
        running.tag("fraud", "v2")
        running.push("fraud", {**FILES, "notes.txt": b"the third"})
        running.tag("fraud", "v3")
        yield running


def serve(gated: Gated, hub: Hub, tag: str) -> list[str]:
    """Alerts about what production serves, once it serves this tag."""
    registry = {
        "name": "hub",
        "kind": "huggingface",
        "organisation": "acme",
        "url": hub.url,
        "token": "env:HUB_TOKEN",
        "file_hosts": [hub.storage.removeprefix("http://")],
        "models": {"production": tag},
    }
    gated.targets = {"models": [], "model_registries": [registry]}
    gated.gate = {"require": ["scan", "provenance", "licence"]}
    done = gated.run("scan", env=ENVIRONMENT)
    assert TOKEN not in done.output
    alerts = gated.run("alerts", "list", "--format", "json")
    entries = [entry for one in json.loads(alerts.stdout) for entry in one["payload"]["entries"]]
    return [e["title"] for e in entries if e["kind"] == "model-changed"]


def test_a_tag_that_the_gate_approved_may_be_served(gated: Gated, hub: Hub, tmp_path: Path) -> None:
    assert serve(gated, hub, "v1") == []
    decided, requirements = gated.decide("fraud", "v2", env=ENVIRONMENT)
    assert (decided["verdict"], requirements["scan"]) == ("met", "met")
    assert serve(gated, hub, "v2") == []
    (title,) = serve(gated, hub, "v3")
    assert title == "fraud@production: from v2 to v3; no decision of the gate approves it"
    assert not [each for each in tmp_path.rglob("*") if each.is_file() and holds(each)]


def holds(path: Path) -> bool:
    """Whether a file that is kept has the token or the signature of an address."""
    content = path.read_bytes()
    return TOKEN.encode() in content or b"X-Amz-Signature" in content
