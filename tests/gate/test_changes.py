"""What happens to a model between two nights, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gated import FILES, Gated

from compline.scanners.models.places.folders import Folder

PLACE = "fraud/2/model.safetensors"


def told(gated: Gated) -> list[Any]:
    """(kind, target, title) of every message so far, without the summaries of first looks."""
    done = gated.run("alerts", "list", "--format", "json")
    assert done.exit_code == 0, done.output
    entries = [entry for one in json.loads(done.stdout) for entry in one["payload"]["entries"]]
    return [
        (entry["kind"], entry["target"], entry["title"])
        for entry in entries
        if entry["kind"] != "baseline"
    ]


def changed() -> bytes:
    content = bytearray(FILES["model.safetensors"])
    content[-1] ^= 1
    return bytes(content)


def test_one_byte_under_the_same_version_is_one_alert(gated: Gated) -> None:
    gated.put("2", FILES, sign=False)
    assert gated.run("scan").exit_code == 0
    assert told(gated) == []
    gated.put("2", {"model.safetensors": changed()}, sign=False)
    gated.run("scan")
    [(kind, target, title)] = told(gated)
    assert (kind, target) == ("model-changed", "fraud")
    before, after = title.removeprefix(f"{PLACE}: from sha256:").split(" to sha256:")
    assert len(before) == len(after) == 64
    assert before != after
    assert gated.run("scan").exit_code == 0
    assert len(told(gated)) == 1, "it is told once"


def test_of_a_signed_version_the_signature_is_told_too(gated: Gated) -> None:
    gated.put("1", {"model.safetensors": changed()}, sign=False)
    gated.run("scan")
    assert sorted((kind, title[:30]) for kind, _, title in told(gated)) == [
        ("model-changed", "fraud/1/model.safetensors: fro"),
        ("new", "The model's signature does not"),
    ]


def test_a_new_version_is_no_change(gated: Gated) -> None:
    gated.put("2", FILES)
    gated.run("scan")
    assert told(gated) == []


def test_a_night_lists_a_place_once_for_all_its_scanners(
    gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    real = Folder.files
    monkeypatch.setattr(Folder, "files", lambda self: (listed.append(""), real(self))[1])
    assert gated.run("scan").exit_code == 0
    assert len(listed) == 1
    assert gated.run("scan").exit_code == 0
    assert len(listed) == 2, "another night asks again"
