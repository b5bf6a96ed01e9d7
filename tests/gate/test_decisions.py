"""Decisions: kept in the chain, listed, signed, and checked by whoever deploys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gated import FILES, Gated

from compline.evidence.decision import decision_of
from compline.evidence.signing import Signer, new_key

KEY = "COMPLINE_SIGNING_KEY"


def decision_files(gated: Gated) -> list[Path]:
    """Where the decisions lie in the locker."""
    rows = json.loads(gated.run("gate", "list", "--format", "json").stdout)
    return [
        gated.home / "work" / "evidence" / row["digest"][:2] / f"{row['digest']}.gz" for row in rows
    ]


def test_decisions_are_listed_and_bound_into_the_chain(gated: Gated) -> None:
    gated.decide("fraud", "1", "--last", "--by", "bob")
    listed = gated.run("gate", "list").stdout
    assert "bob" in listed
    assert "ann" in listed
    assert gated.run("evidence", "verify").exit_code == 0
    newest, eldest = decision_files(gated)
    newest.write_bytes(eldest.read_bytes())
    done = gated.run("evidence", "verify")
    assert done.exit_code == 1
    assert newest.name.removesuffix(".gz")[:20] in done.stdout.replace("\n", "")
    eldest.unlink()
    done = gated.run("evidence", "verify", "--format", "json")
    problems = {(each["kind"], each["what"]) for each in json.loads(done.stdout)["problems"]}
    names = [path.name.removesuffix(".gz") for path in (newest, eldest)]
    assert problems == {("changed", f"evidence {names[0]}"), ("missing", f"evidence {names[1]}")}
    assert "was changed" in gated.run("gate", "list").stdout


def test_retention_leaves_decisions_alone(gated: Gated) -> None:
    (path,) = decision_files(gated)
    for each in (gated.home / "work" / "evidence").rglob("*.gz"):
        os.utime(each, (1, 1))
    gated.sections = {"evidence": {"keep_days": 1, "keep_runs": 1}}
    stray = path.parent / f"{path.name[:2]}{'0' * 62}.gz"
    stray.write_bytes(path.read_bytes())
    os.utime(stray, (1, 1))
    assert gated.run("evidence", "prune").exit_code == 0
    assert (path.exists(), stray.exists()) == (True, False)


@pytest.fixture
def signed(gated: Gated) -> Callable[[], tuple[Path, Path]]:
    """Makes a signed decision about version 1; gives its file and the public key."""
    private, public = new_key()
    (gated.home / "gate.pub").write_text(public)
    gated.sections = {"evidence": {"signing_key": f"env:{KEY}"}}

    def make() -> tuple[Path, Path]:
        file = gated.home / "decision.json"
        gated.run("gate", "model", "fraud", "1", "--last", "-o", str(file), env={KEY: private})
        return file, gated.home / "gate.pub"

    return make


def check(gated: Gated, file: Path, *more: str) -> tuple[int, str]:
    """Exit code and words of `gate verify`, as of the folder of version 1."""
    folder = str(gated.home / "fraud" / "1")
    done = gated.run("gate", "verify", str(file), "--folder", folder, *more)
    return done.exit_code, done.output


def test_a_signed_decision_holds_for_its_files_alone(gated: Gated, signed: Any) -> None:
    file, public = signed()
    key = ("--public-key", str(public))
    said = json.loads(file.read_text())["decision"]
    code, output = check(gated, file, *key, "--max-age-hours", "1")
    assert (code, "fraud 1: met" in output) == (0, True), output
    assert gated.run("gate", "verify", str(file), "--digest", said["digest"], *key).exit_code == 0
    (gated.home / "fraud" / "1" / "README.md").write_bytes(b"other")
    code, output = check(gated, file, *key)
    assert (code, "it was given for" in output) == (1, True)
    (gated.home / "fraud" / "1" / "README.md").write_bytes(FILES["README.md"])
    assert check(gated, file, *key)[0] == 0
    (gated.home / "fraud" / "1" / "more.txt").write_bytes(b"")
    assert check(gated, file, *key)[0] == 1


def test_a_decision_that_was_tampered_with_is_refused(gated: Gated, signed: Any) -> None:
    file, public = signed()
    key = ("--public-key", str(public))
    whole = json.loads(file.read_text())

    def refused(text: str, *options: str, **changed: Any) -> bool:
        file.write_text(json.dumps(whole | changed))
        code, output = check(gated, file, *(options or key))
        return code == 1 and text in output

    assert refused("it was changed", decision=whole["decision"] | {"verdict": "breached"})
    assert refused("nobody has signed it", signature="")
    assert refused("its signature does not hold", signature="00" * 64)
    other = Signer.from_pem(new_key()[0])
    forged = decision_of(json.dumps(whole["decision"]).encode(), other)
    assert refused("which is no key of yours", **forged.as_json())
    manifests = Signer.from_pem(new_key()[0])
    text = "its signature does not hold"
    for_another = {"signer": manifests.public, "signature": manifests.sign(whole["digest"])}
    assert refused(text, **for_another), "a manifest's signature is none of a decision"
    assert refused("no decision of a form", decision={})
    assert refused("no file of a gate's decision", digest=None)


@pytest.mark.parametrize(("verdict", "code"), [("met", 0), ("breached", 1), ("unknown", 3)])
def test_what_is_not_met_is_no_leave(gated: Gated, signed: Any, verdict: str, code: int) -> None:
    file, _ = signed()
    said = json.loads(file.read_text())["decision"] | {"verdict": verdict}
    file.write_text(json.dumps(decision_of(json.dumps(said).encode()).as_json()))
    assert check(gated, file, "--unsigned")[0] == code


def test_wrong_use_of_verify(gated: Gated, signed: Any) -> None:
    file, public = signed()
    assert check(gated, file)[0] == 2, "neither a key nor --unsigned"
    assert check(gated, file, "--unsigned", "--digest", "sha256:0")[0] == 2
    assert check(gated, gated.home / "nothing.json", "--unsigned")[0] == 2
    assert check(gated, file, "--public-key", str(file))[0] == 2
    (gated.home / "fraud" / "1" / "link").symlink_to("/etc/hostname")
    code, output = check(gated, file, "--public-key", str(public))
    assert (code, "link is no file" in output) == (2, True)


def test_a_key_that_is_none_decides_nothing(gated: Gated) -> None:
    gated.sections = {"evidence": {"signing_key": f"env:{KEY}"}}
    done = gated.run("gate", "model", "fraud", "1", "--last", env={KEY: "no key"})
    assert done.exit_code == 2
    assert "compline evidence keygen" in done.stderr
    gated.sections = {}
    assert len(decision_files(gated)) == 1
