"""What the Hub does not tell, or not wholly, is Failed or a gap that says so."""

from __future__ import annotations

from typing import Any

import pytest
from hub_looks import GOOD, Look
from store_proxy import Fault

from compline.model import GapReason

REFS, TREE, LIST = "/fraud/refs", "/tree/", "api/models?"
FOUND = "churn/main/README.md"


@pytest.fixture(autouse=True)
def another(look: Look) -> None:
    """A model about which everything is told."""
    look.hub.push("churn", GOOD)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_repository_that_is_not_ours_to_see_is_a_gap(look: Look, status: int) -> None:
    look.hub.refused["fraud"] = status
    gaps = look.gaps()
    for place in ("fraud/", "fraud@production"):
        assert gaps[place][0] is GapReason.FORBIDDEN
        assert "docs/checks/models.md" in gaps[place][1]
    assert FOUND in look.facts()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 302])
def test_a_refused_list_is_failed(look: Look, status: int) -> None:
    look.proxy.fail(LIST, Fault(status, headers=(("Location", look.hub.url),)))
    assert f"answers {status}" in look.failed()


def test_a_hub_that_is_not_there_is_failed(look: Look) -> None:
    look.models.settings["url"] = "http://127.0.0.1:9"
    assert "no connection to 127.0.0.1" in look.failed()


def test_an_organisation_without_models_is_not_believed(look: Look) -> None:
    look.hub.models.clear()
    assert "shows no model at all" in look.failed()


def test_models_of_others_are_refused(look: Look) -> None:
    look.hub.others = ["evil/fraud"]
    assert "another owner" in look.failed()
    assert not any("evil" in path for _, path in look.proxy.requests)


@pytest.mark.parametrize("part", [REFS, TREE])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(429), GapReason.TRUNCATED),
        (Fault(500), GapReason.TRUNCATED),
        (Fault(half=True), GapReason.TRUNCATED),
        (Fault(302, headers=(("Location", "/elsewhere"),)), GapReason.TRUNCATED),
        (Fault(body=b"<html>"), GapReason.UNPARSED),
        (Fault(body=b"{}"), GapReason.UNPARSED),
        (Fault(body=b'[{"type": "file"}]'), GapReason.UNPARSED),
        (Fault(body=b'{"branches": [{"name": "x", "targetCommit": "../.."}], "tags": []}'),
         GapReason.UNPARSED),
    ],
)  # fmt: skip
def test_one_bad_answer_is_a_gap_of_what_it_was_about(
    look: Look, part: str, fault: Fault, reason: GapReason
) -> None:
    commit = look.hub.models["fraud"].branches["main"]
    look.hub.push("churn", {"other.json": b"1"})
    look.proxy.fail(REFS if part == REFS else commit, fault)
    place = "fraud/" if part == REFS else "fraud/main/"
    assert look.gaps()[place][0] is reason
    assert "churn/main/other.json" in look.facts()


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "file", "path": "x", "size": -1, "oid": "0" * 40},
        {"type": "file", "path": "x", "size": 1, "oid": "0"},
        {"type": "file", "path": "x", "size": 1, "oid": "0" * 40, "lfs": {"oid": "0" * 40}},
        {"type": "file", "path": "config.json", "size": 1, "oid": "0" * 40},
        {"type": "file", "size": 1, "oid": "0" * 40},
        "x",
    ],
)
def test_an_entry_of_another_shape_hides_its_version(look: Look, entry: Any) -> None:
    look.hub.more = [entry]
    assert look.gaps()["fraud/main/"][0] is GapReason.UNPARSED


def test_busy_for_a_while_is_waited_for(look: Look) -> None:
    look.proxy.fail(REFS, Fault(429, headers=(("Retry-After", "1"),)), times=1)
    assert "fraud/" not in look.gaps()
    assert look.proxy.paused(REFS) >= 1


def test_the_same_page_again_is_refused(look: Look) -> None:
    link = '</api/models?limit=500&author=acme&cursor=9>; rel="next"'
    look.proxy.fail(LIST, Fault(body=b"[]", headers=(("Link", link),)))
    assert "the same page again" in look.failed()


def test_a_page_elsewhere_is_not_asked(look: Look) -> None:
    link = f'<{look.hub.storage}/api>; rel="next"'
    look.proxy.fail(LIST, Fault(body=b"[]", headers=(("Link", link),)))
    assert "another address" in look.failed()
    assert look.storage.requests == []


def test_a_list_that_drips_is_failed(look: Look) -> None:
    look.proxy.fail(LIST, Fault(body=b" " * 1000, drips=True))
    assert "too slow" in look.failed(**look.within(1))


def test_what_is_not_listed_in_time_is_a_gap_and_production_comes_first(look: Look) -> None:
    for number in range(20):
        look.hub.tag("fraud", f"v{number}")
        look.hub.push("fraud", {"n.json": b"%d" % number}, "aside")
        look.hub.tag("fraud", f"v{number}", "aside")
    commits = {look.hub.models["fraud"].branches["main"], look.hub.models["churn"].branches["main"]}

    def slow(_method: str, path: str) -> Fault | None:
        late = "/tree/" in path and not any(commit in path for commit in commits)
        return Fault(half=False, status=200, body=b"[]", seconds=3) if late else None

    look.proxy.faults.append(slow)
    outcome = look(**look.within(1))
    late = {gap.path for gap in outcome.gaps if gap.reason is GapReason.TRUNCATED}
    assert {f"fraud/v{number}/" for number in range(20)} <= late
    subjects = {fact.subject for fact in outcome.facts}
    assert {"fraud/main/README.md", FOUND} <= subjects
