"""Models of a Hub's organisation: opened at the commit of each branch and tag, and only read."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import hostile_models as hostile
import pytest
from hub_looks import GOOD, Look
from model_folders import TONIGHT

from compline.model import GapReason

CHANGED = {**GOOD, "model.safetensors": hostile.safetensors() + b" "}


@pytest.mark.parametrize("scanner", ["modelaudit", "picklescan"])
def test_a_bad_pickle_is_found_in_git_and_beside_it(look: Look, scanner: str) -> None:
    look.hub.push("churn", {"pytorch_model.bin": hostile.bad(), "old/model.pkl": hostile.bad(2)})
    outcome = look(scanner)
    assert {each.subject for each in outcome.observations} == {
        "churn/main/pytorch_model.bin",
        "churn/main/old/model.pkl",
    }
    assert outcome.gaps == ()
    assert {method for method, _ in (*look.proxy.requests, *look.storage.requests)} == {"GET"}


def test_a_good_model_is_clean_and_its_card_is_read(look: Look) -> None:
    look.models.rules = {"licences": ["mit"], "provenance": ["commit", "dataset"]}
    outcome = look()
    assert {each.rule for each in outcome.observations} == {
        "production-unsigned",
        "production-unscanned",
    }
    assert outcome.gaps == ()
    assert ("dataset/claims", "model/fraud/main") in {
        (e.source, e.destination) for e in outcome.links
    }


def test_each_branch_and_tag_is_a_version(look: Look) -> None:
    look.hub.push("fraud", GOOD, "feature/x%2F")
    look.hub.tag("fraud", "v1.0")
    places = {gap for gap in look.facts() if gap.endswith("/README.md")}
    assert places == {"fraud/main/README.md", "fraud/v1.0/README.md"}, "no fact of a draft"
    look.hub.push("fraud", {"model.pkl": hostile.bad()}, "feature/x%2F")
    (found,) = look("picklescan").observations
    assert found.subject == "fraud/feature%2Fx%252F/model.pkl"


def test_what_is_pushed_meanwhile_is_not_mixed_in(look: Look) -> None:
    digest = hashlib.sha256(GOOD["model.safetensors"]).hexdigest()
    first = look.hub.models["fraud"].branches["main"]

    def push_after_refs(_method: str, path: str) -> None:
        if "/tree/" in path:
            look.hub.push("fraud", CHANGED)

    look.proxy.faults.append(push_after_refs)
    assert look.facts()["fraud/main/model.safetensors"] == f"sha256:{digest}"
    assert {path.split("/resolve/")[1].split("/")[0] for path in look.hub.downloads()} == {first}


def test_an_unchanged_night_downloads_nothing_and_a_changed_one_what_changed(look: Look) -> None:
    look()
    look.hub.forget()
    night = TONIGHT + timedelta(days=1)
    more = {"scanners": {"model-guard": {"reread_days": 3650}}}
    look(now=night, **more)
    assert look.hub.downloads() == []
    look.hub.push("fraud", CHANGED)
    look(now=night, **more)
    assert [path.rpartition("/")[2] for path in look.hub.downloads()] == ["model.safetensors"]


def test_everything_is_read_again_in_time(look: Look) -> None:
    look()
    look.hub.forget()
    look(now=TONIGHT + timedelta(days=30))
    assert len(look.hub.downloads()) == len(GOOD)


def test_a_finding_keeps_its_place_when_a_branch_moves(look: Look) -> None:
    look.hub.push("fraud", {"model.pkl": hostile.bad()})
    before = look("picklescan").observations
    look.hub.push("fraud", {"model.pkl": hostile.bad(), "README.md": b"# New"})
    assert look("picklescan").observations == before
    assert len(before) == 1


def test_changed_content_is_told_of_tags_and_of_production_and_of_no_draft(look: Look) -> None:
    look.hub.tag("fraud", "v1.0")
    look.hub.push("fraud", GOOD, "next")
    before = look.facts()
    look.hub.push("fraud", CHANGED, "next")
    assert look.facts() == before
    look.hub.push("fraud", CHANGED)
    assert {k for k, v in look.facts().items() if before[k] != v} == {
        "fraud/main/model.safetensors"
    }
    look.hub.tag("fraud", "v1.0")
    assert {k for k, v in look.facts().items() if before[k] != v} == {
        "fraud/main/model.safetensors",
        "fraud/v1.0/model.safetensors",
    }


def test_production_is_main_or_what_is_said(look: Look) -> None:
    look.hub.tag("fraud", "v1.0")
    assert look.facts()["fraud@production"] == "main"
    look.models.rules = {"production": "v1.0"}
    facts = look.facts()
    assert facts["fraud@production"] == "v1.0"
    assert "fraud/main/README.md" not in facts, "main is a draft now"
    look.models.rules = {"production": "v2.0"}
    assert look.gaps()["fraud@production"][0] is GapReason.UNRESOLVED


def test_a_branch_and_a_tag_of_one_name_are_kept_apart(look: Look) -> None:
    look.hub.push("fraud", {"model.pkl": hostile.bad()})
    look.hub.tag("fraud", "main")
    look.hub.push("fraud", GOOD)
    (found,) = look("picklescan").observations
    assert found.subject == "fraud/tag:main/model.pkl"
    gaps = look.gaps()
    assert gaps["fraud/main/"][0] is GapReason.UNRESOLVED, "what was found there is not mended"
    assert gaps["fraud@production"][0] is GapReason.UNRESOLVED
    look.models.rules = {"production": "tag:main"}
    assert look.facts()["fraud@production"] == "tag:main"


def test_every_page_is_read(look: Look) -> None:
    look.hub.page = 2
    for name in ("a", "b", "c", "d"):
        look.hub.push(name, {f"{number}.json": b"[1]" for number in range(5)})
    assert sum(subject.endswith(".json") for subject in look.facts()) == 4 * 5 + 1
    assert look().gaps == ()


def test_paths_of_any_kind(look: Look) -> None:
    odd = {"a b/é?#&%41.json": b"{}", "x;y=1/+.txt": b"t", "öl/model.bin": b"w"}
    look.hub.push("fraud", odd)
    look.hub.more = [
        {"type": "file", "path": "../../api/whoami-v2", "size": 1, "oid": "0" * 40},
        {"type": "file", "path": "/etc/x", "size": 1, "oid": "0" * 40},
        {"type": "unknown", "path": "sub", "size": 0, "oid": "0" * 40},
    ]
    gaps = look.gaps()
    assert {path: gap[0] for path, gap in gaps.items() if path.startswith("fraud/")} == {
        "fraud/main/(..)/(..)/api/whoami-v2": GapReason.BAD_NAME,
        "fraud/main/()/etc/x": GapReason.BAD_NAME,
        "fraud/main/sub": GapReason.UNSUPPORTED,
    }
    facts = look.facts()
    for path, content in odd.items():
        digest = hashlib.sha256(content).hexdigest()
        assert facts[f"fraud/main/{path}"] == f"sha256:{digest}"
    assert not any("whoami" in path for _, path in look.proxy.requests)
