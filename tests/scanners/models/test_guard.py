"""model-guard over folders: what vouches for a version, and the facts whose change is told."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_folders import TONIGHT, Models

from compline.evidence.locker import Locker
from compline.model import Failed, RegressionKind
from compline.scanners.models.guard import signatures

CARD = b"---\nlicense: apache-2.0\ndatasets: [claims]\ncommit: 0123abc\nrun: r1\n---\n# Fraud\n"
FILES = {"model.safetensors": hostile.safetensors(), "README.md": CARD}
TOMORROW = TONIGHT + timedelta(days=1)


def rules_broken(models: Models, **arguments: object) -> dict[str, str]:
    """Rule to subject."""
    found = models.completed("model-guard", **arguments).observations
    return {each.rule: each.subject for each in found}


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Subjects that both know, with another value: each of them is told."""
    return [each for each in before if each in after and before[each] != after[each]]


def test_one_changed_byte_under_the_same_version_is_one_changed_fact(models: Models) -> None:
    models.put("1", FILES)
    models.put("2", FILES)
    before = models.facts()
    content = bytearray(FILES["model.safetensors"])
    content[-1] ^= 1
    models.put("2", {"model.safetensors": bytes(content)})
    after = models.facts(now=TOMORROW)
    assert changed(before, after) == ["fraud/2/model.safetensors"]
    assert before.keys() == after.keys()


def test_a_change_behind_a_time_that_was_put_back_is_seen(models: Models) -> None:
    models.put("1", FILES)
    path = models.folder / "1" / "model.safetensors"
    before, times = models.facts(), path.stat()
    path.write_bytes(bytes(len(FILES["model.safetensors"])))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert changed(before, models.facts(now=TOMORROW)) == ["fraud/1/model.safetensors"]


def test_the_evidence_tells_of_each_file_when_it_was_read_last(models: Models, scene: Any) -> None:
    models.put("1", FILES)
    models.look("model-guard")
    models.put("1", {"README.md": CARD + b"More.\n"})
    look = models.look("model-guard", now=TOMORROW)
    rows = json.loads(Locker(scene.home / "evidence").get(look.evidence[0]))["files"]
    assert {place: read[:10] for place, _, _, read in rows} == {
        "fraud/1/README.md": "2026-01-02",
        "fraud/1/model.safetensors": "2026-01-01",
    }


def test_a_moved_alias_is_one_changed_fact(models: Models) -> None:
    models.put("1", FILES)
    models.put("2", FILES)
    models.rules["production"] = "1"
    before = models.facts()
    models.rules["production"] = "2"
    assert changed(before, models.facts(now=TOMORROW)) == ["fraud@production"]
    listed = {each.tells for each in models.completed("model-guard").facts}
    assert listed == {RegressionKind.MODEL_CHANGED}
    models.rules["production"] = "9"
    gaps = models.completed("model-guard").gaps
    assert [gap.path for gap in gaps] == ["fraud@production"]


@pytest.mark.parametrize("name", ["extra.pkl", "model.safetensors"])
def test_a_file_that_comes_or_goes_is_one_changed_fact(models: Models, name: str) -> None:
    models.put("1", FILES)
    before = models.facts()
    if name in FILES:
        (models.folder / "1" / name).unlink()
    else:
        models.put("1", {name: hostile.bad()})
    assert changed(before, models.facts(now=TOMORROW)) == ["fraud/1"]


def test_production_that_was_never_signed_or_scanned_is_told_of_its_alias(models: Models) -> None:
    models.put("1", FILES)
    models.rules["production"] = "1"
    broken = rules_broken(models)
    assert broken == {
        "production-unsigned": "fraud@production",
        "production-unscanned": "fraud@production",
    }
    assert broken["production-unsigned"] in models.facts()
    models.completed("modelaudit")
    assert rules_broken(models) == {"production-unsigned": "fraud@production"}


def test_a_file_that_no_tool_could_open_leaves_production_unscanned(models: Models) -> None:
    models.put("1", {**FILES, "locked.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(40)})
    models.rules["production"] = "1"
    models.completed("modelaudit")
    models.completed("picklescan")
    assert "production-unscanned" in rules_broken(models)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private key, and its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def sign(models: Models, version: str, private: Path) -> None:
    folder = models.folder / version
    command = [models.toolbox.get("model-signing").executable, "sign", "key", folder]
    options = ["--private_key", private, "--signature", folder / "model.sig"]
    subprocess.run([*command, *options], check=True, capture_output=True)


def test_a_signature_holds_fails_under_another_key_and_after_a_change(
    models: Models, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    models.put("1", {**FILES, "sub/config.json": b"{}"})
    sign(models, "1", keys[0])
    models.rules |= {"production": "1", "keys": [str(keys[1])]}
    models.completed("modelaudit")
    assert rules_broken(models) == {}

    other = tmp_path / "other.pub"
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    other.write_bytes(
        point.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    models.rules["keys"] = [str(other)]
    (found,) = models.completed("model-guard").observations
    assert (found.rule, found.subject) == ("signature-refused", "fraud/1")
    assert dict(found.details)["why"] == "signed with another key or certificate"

    models.rules["keys"] = [str(other), str(keys[1])]
    assert rules_broken(models) == {}
    models.put("1", {"sub/config.json": b"[]"})
    found = models.completed("model-guard").observations[0]
    assert dict(found.details)["why"] == "its files are not what was signed"

    models.put("1", {"model.sig": b"{}"})
    found = models.completed("model-guard").observations[0]
    assert dict(found.details)["why"] == "what is there is no model signature"

    models.rules["keys"] = []
    assert "production-unverified" in rules_broken(models)


def test_the_tool_is_started_only_where_a_verdict_is_not_known(
    models: Models, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.put("1", FILES)
    sign(models, "1", keys[0])
    models.rules |= {"production": "1", "keys": [str(keys[1])]}
    models.completed("modelaudit")
    started: list[object] = []
    real = signatures.run
    monkeypatch.setattr(
        signatures, "run", lambda *a, **more: (started.append(a), real(*a, **more))[1]
    )
    assert rules_broken(models) == {}
    assert len(started) == 4, "three of the canary, one of the version"
    assert rules_broken(models, now=TOMORROW) == {}
    assert len(started) == 4, "what is known starts nothing"


def test_a_canary_that_is_not_told_apart_verifies_nothing(
    models: Models, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.put("1", FILES)
    sign(models, "1", keys[0])
    models.rules |= {"production": "1", "keys": [str(keys[1])]}
    canary = json.loads(signatures._CANARY.read_text())
    blunt = tmp_path / "canary.json"
    blunt.write_text(json.dumps(canary | {"other_key": canary["key"]}))
    monkeypatch.setattr(signatures, "_CANARY", blunt)
    outcome = models.look("model-guard").outcome
    assert isinstance(outcome, Failed)
    assert outcome.canary_missed


def test_a_key_that_is_not_there_is_a_gap_and_closes_nothing(models: Models) -> None:
    models.put("1", {**FILES, "model.sig": b"{}"})
    models.rules |= {"production": "1", "keys": ["/nowhere/key.pub"]}
    outcome = models.completed("model-guard")
    covered = [gap for gap in outcome.gaps if gap.covers("fraud@production", "fraud@production")]
    assert covered
    assert any(gap.covers("fraud/1", "fraud/1") for gap in outcome.gaps)


def test_licence_provenance_and_formats(models: Models) -> None:
    models.put("1", {**FILES, "old.pkl": hostile.good()})
    models.put("2", {"weights": hostile.good()})
    models.rules |= {"provenance": ["run", "commit", "dataset"], "licences": ["MIT"]}
    found = {each.rule: each for each in models.completed("model-guard").observations}
    assert set(found) == {"unsafe-format", "licence-missing", "provenance-missing"}
    assert dict(found["unsafe-format"].details)["formats by version"] == "pickle: 1, 2"
    assert {each.subject for each in found.values()} == {"fraud"}
    models.put("2", {"README.md": CARD})
    assert set(rules_broken(models)) == {"unsafe-format", "licence-refused"}
    models.rules |= {"licences": ["Apache-2.0"], "formats": ["Pickle"]}
    assert rules_broken(models) == {}


def test_what_shows_no_model_is_failed(models: Models, tmp_path: Path) -> None:
    for scanner in ("modelaudit", "model-guard"):
        assert isinstance(models.look(scanner).outcome, Failed)
    models.url = str(tmp_path / "nowhere")
    for scanner in ("modelaudit", "model-guard"):
        assert isinstance(models.look(scanner).outcome, Failed)


def test_links_are_gaps_and_nothing_is_written(models: Models) -> None:
    models.put("1", FILES)
    (models.folder / "1" / "link.pkl").symlink_to("/etc/passwd")

    def state() -> list[tuple[str, int, int]]:
        found = [
            (str(p), p.lstat().st_mtime_ns, p.lstat().st_size) for p in models.folder.rglob("*")
        ]
        return sorted(found)

    before = state()
    for scanner in ("modelaudit", "picklescan", "model-guard"):
        gaps = models.completed(scanner).gaps
        assert "fraud/1/link.pkl" in {gap.path for gap in gaps}
    assert state() == before
