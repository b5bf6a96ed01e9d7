"""What proves a finding: its statement, its reports, revision, ScanKey and run."""

from __future__ import annotations

from typing import Any

import pytest

from compline.pipeline.proof import prove
from compline.store.engine import StoreError
from compline.store.findings import list_findings


def the_finding(session: Any) -> str:
    (found,) = list_findings(session.store)
    return found.id


def test_a_witness_is_proved_by_the_look_that_said_it_last(archive: Any, kit: Any) -> None:
    archive.run(kit.seen(1))
    scanned = archive.run(kit.seen(5))
    archive.reuse()
    with archive.session() as session:
        (proof,) = prove(session, the_finding(session))
    assert proof.trouble == ""
    assert (proof.look.run, proof.look.first_run, proof.look.revision) == (scanned, 1, "c2")
    assert proof.look.scan_key == kit.key
    assert proof.said is not None
    assert proof.said.place.line == 5
    assert len(proof.reports) == 1
    assert proof.look.manifest == 2
    values = proof.as_json()
    assert values["scan_key"]["rules"] == "rules"
    assert values["said"]["fingerprints"] == [["tokens/1", "a" * 32]]


def test_one_in_a_gap_is_proved_by_the_look_before(archive: Any, kit: Any) -> None:
    archive.run(kit.seen(place=kit.place("broken.py")))
    archive.run(gaps=[kit.gap])
    with archive.session() as session:
        (proof,) = prove(session, the_finding(session))
    assert (proof.look.run, proof.look.state, proof.trouble) == (1, "unseen", "")
    assert proof.said is not None


@pytest.mark.parametrize("which", ["statement", "report"])
def test_what_is_missing_is_told(archive: Any, kit: Any, which: str) -> None:
    archive.run(kit.seen())
    with archive.session() as session:
        (whole,) = prove(session, the_finding(session))
        gone = whole.statement if which == "statement" else whole.reports[0]
        session.evidence.remove(gone)
        (proof,) = prove(session, the_finding(session))
    assert f"evidence {gone} is missing" in proof.trouble
    assert (proof.said is None) == (which == "statement")


def test_an_unknown_finding(archive: Any) -> None:
    with archive.session() as session, pytest.raises(StoreError, match="no finding 'CMP-X'"):
        prove(session, "CMP-X")
