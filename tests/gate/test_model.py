"""`compline gate model` with the real tools: met, breached, unknown, never met without looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from gated import FILES, Gated, key_pair


def reason(said: dict[str, Any], name: str) -> str:
    return str(next(each["reason"] for each in said["requirements"] if each["name"] == name))


def test_a_clean_signed_version_is_met(gated: Gated) -> None:
    said, verdicts = gated.decide("fraud", "1", "--by", "ann")
    assert said["run"] == 2
    names = ("content", "scan", "signature", "provenance", "licence")
    assert verdicts == dict.fromkeys(names, "met"), said["requirements"]
    assert (said["verdict"], said["by"]) == ("met", "ann")
    assert set(said["files"]) == {*FILES, "model.sig"}
    assert {look["scanner"] for look in said["looks"]} == set(gated.enabled)
    assert said["not_required"] == ["permissions", "formats", "data", "source"]
    done = gated.run("gate", "digest", str(gated.home / "fraud" / "1"))
    assert done.stdout.strip() == said["digest"]


def test_another_content_has_another_digest_and_breaks_the_signature(gated: Gated) -> None:
    before, _ = gated.decide("fraud", "1", "--last")
    content = bytearray(FILES["model.safetensors"])
    content[-1] ^= 1
    gated.put("1", {"model.safetensors": bytes(content)}, sign=False)
    after, verdicts = gated.decide("fraud", "1")
    assert before["digest"] != after["digest"]
    assert verdicts["signature"] == after["verdict"] == "breached"
    assert reason(after, "signature") == "its files are not what was signed"


def test_what_breaches(gated: Gated, tmp_path: Path) -> None:
    gated.put("2", {**FILES, "extra.pkl": hostile.bad()})
    gated.rules = {
        "keys": [str(key_pair(tmp_path, "other")[1])],
        "licences": ["MIT"],
        "provenance": ["run", "dataset"],
    }
    gated.gate = {"require": ["scan", "signature", "licence", "provenance", "formats"]}
    said, verdicts = gated.decide("fraud", "2")
    assert verdicts == {
        "content": "met",
        "scan": "breached",
        "signature": "breached",
        "licence": "breached",
        "provenance": "met",
        "formats": "breached",
    }
    assert "fraud/2/extra.pkl" in reason(said, "scan")
    assert "does not count" in reason(said, "signature")
    said, verdicts = gated.decide("fraud", "1", "--last")
    assert verdicts["scan"] == "met", "another version's finding is none of this one"


def test_what_is_missing_breaches(gated: Gated) -> None:
    gated.put("2", {"model.safetensors": FILES["model.safetensors"]}, sign=False)
    said, verdicts = gated.decide("fraud", "2")
    assert {verdicts[name] for name in ("signature", "licence", "provenance")} == {"breached"}
    assert verdicts["scan"] == "met"
    assert reason(said, "provenance") == "no run, no commit, no dataset is known"


def test_what_nobody_could_look_at_is_unknown(gated: Gated) -> None:
    gated.rules = {"keys": []}
    gated.put("2", {**FILES, "locked.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(40)}, sign=False)
    said, verdicts = gated.decide("fraud", "2")
    assert verdicts["scan"] == "unknown"
    assert "locked.7z" in reason(said, "scan")
    gated.put("3", FILES, sign=False)
    (gated.home / "fraud" / "3" / "link.pkl").symlink_to("/etc/hostname")
    said, verdicts = gated.decide("fraud", "3")
    assert verdicts == dict.fromkeys(verdicts, "unknown") | {"signature": "breached"}
    assert said["digest"] == ""
    assert "fraud/3/link.pkl" in reason(said, "content")


def test_signed_without_a_key_to_verify_with_is_unknown(gated: Gated) -> None:
    gated.rules = {"keys": []}
    assert gated.decide("fraud", "1")[1]["signature"] == "unknown"


@pytest.mark.parametrize("tool", ["picklescan", "model-signing"])
def test_a_missing_tool_is_unknown(gated: Gated, tool: str) -> None:
    tools = gated.home / "work" / "tools"
    there = tools.resolve()
    tools.unlink()
    tools.mkdir()
    for each in there.iterdir():
        if not each.name.startswith(tool):
            (tools / each.name).symlink_to(each)
    said, verdicts = gated.decide("fraud", "1")
    assert (verdicts["scan"], said["verdict"]) == ("unknown", "unknown")
    assert f"compline tools install {tool}" in reason(said, "scan")


def test_a_disabled_scanner_is_no_evidence(gated: Gated) -> None:
    gated.enabled = ("model-guard",)
    assert gated.decide("fraud", "1")[1]["scan"] == "unknown"
    gated.enabled = ("picklescan", "modelaudit")
    assert set(gated.decide("fraud", "1", "--last")[1].values()) == {"met"}
    assert set(gated.decide("fraud", "1")[1].values()) == {"unknown"}, "asked for now, not looked"


def test_the_last_looks_count_while_they_are_young(gated: Gated, monkeypatch: Any) -> None:
    assert gated.decide("fraud", "1", "--last")[0]["verdict"] == "met"
    later = datetime.now(UTC) + timedelta(hours=37)
    monkeypatch.setattr("compline.pipeline.session.Session.now", lambda _self: later)
    said, verdicts = gated.decide("fraud", "1", "--last")
    assert set(verdicts.values()) == {"unknown"}
    assert "too long ago" in reason(said, "scan")
    gated.gate = {"max_age_hours": 48}
    assert gated.decide("fraud", "1", "--last")[0]["verdict"] == "met"


def test_a_changed_file_is_not_what_was_scanned(gated: Gated) -> None:
    gated.put("1", {"config.json": b"{}"})
    gated.enabled = ("model-guard",)
    gated.decide("fraud", "1")
    gated.enabled = ("modelaudit", "picklescan", "model-guard")
    said, verdicts = gated.decide("fraud", "1", "--last")
    assert verdicts["signature"] == "met"
    assert verdicts["scan"] == "unknown"
    assert "config.json" in reason(said, "scan")
    assert "model.sig" not in reason(said, "scan")


def test_a_waived_finding_is_accepted_and_named(gated: Gated) -> None:
    gated.put("1", {"extra.pkl": hostile.bad()}, sign=False)
    assert gated.decide("fraud", "1")[1]["scan"] == "breached"
    (gated.home / "waivers.yaml").write_text(
        "waivers:\n- {path: fraud/1/*, target: fraud, reason: known, owner: ann, "
        f"expires: {datetime.now(UTC).date() + timedelta(days=9)}, approver: bob}}\n"
    )
    gated.sections = {"waivers": {"file": "waivers.yaml"}}
    said, verdicts = gated.decide("fraud", "1")
    assert verdicts["scan"] == "met", reason(said, "scan")
    assert said["verdict"] == "breached", "the file is not in the signature"
    (accepted,) = [each["accepted"] for each in said["requirements"] if each["name"] == "scan"]
    assert accepted


def test_wrong_use_is_told(gated: Gated) -> None:
    for arguments, text in (
        (("fraud", "9"), "fraud has no version '9'; there are: 1"),
        (("other", "1"), "fraud holds no model 'other'; there are: fraud"),
        (("fraud", "1", "--target", "x"), "no target named x holds models; these do: fraud"),
    ):
        done = gated.run("gate", "model", *arguments)
        assert done.exit_code == 2, done.output
        assert text in done.stderr
    gated.targets = {"models": []}
    done = gated.run("gate", "model", "fraud", "1")
    assert done.exit_code == 2
    assert "no target holds models" in done.stderr


def test_among_several_targets_the_one_that_holds_it(gated: Gated) -> None:
    other = gated.home / "churn" / "1"
    other.mkdir(parents=True)
    (other / "model.safetensors").write_bytes(hostile.safetensors())
    gated.targets = {
        "models": [
            {"name": "fraud", "url": "fraud", "models": {"keys": [str(gated.public)]}},
            {"name": "churn", "url": "churn", "labels": {"tier": "toy"}},
        ]
    }
    done = gated.run("gate", "model", "churn", "1")
    assert done.exit_code == 2
    assert "Give --target, one of: fraud, churn" in done.stderr
    gated.gate = {"overrides": [{"labels": {"tier": "toy"}, "require": ["scan"]}]}
    assert gated.decide("churn", "1", "--target", "churn")[1] == {"content": "met", "scan": "met"}
    for name in ("fraud", "churn"):
        assert gated.decide(name, "1", "--last")[0]["target"]["name"] == name


def test_a_version_in_the_middle_is_asked_when_the_gate_looks(gated: Gated) -> None:
    gated.rules = {"production": "3"}
    gated.put("2", FILES)
    gated.put("3", {**FILES, "notes.txt": b"three"})
    assert set(gated.decide("fraud", "1")[1].values()) == {"met"}, (
        "neither newest nor in production"
    )
    gated.put("1", {"README.md": b"no card"})
    assert gated.decide("fraud", "1")[1]["licence"] == "breached"
    gated.run("scan")
    said, verdicts = gated.decide("fraud", "1", "--last")
    assert verdicts["licence"] == verdicts["provenance"] == "unknown"
    assert "without --last" in reason(said, "licence")
