"""Findings that turn out to be one, and those that a person tells apart again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.findings.waivers import WaiverPolicy
from compline.model import Severity, State
from compline.store import record as module
from compline.store.check import check
from compline.store.errors import StoreError
from compline.store.findings import finding_events, get_finding, list_findings
from compline.store.partings import part_finding
from compline.store.waivers import add_waiver

A = {"a.py": "def f(x):\n    exec(x)\n"}


def broken(site: Any) -> list[str]:
    return [done.invariant.name for done in check(site.store) if done.broken]


@pytest.fixture
def pair(site: Any, kit: Any) -> tuple[str, str]:
    """(older, younger) of one package, two advisories that nobody has joined yet."""
    site.night_of([kit.advisory(severity=Severity.LOW)], scanner="pip-audit")
    [older] = [finding.id for finding in site.open()]
    site.night_of(
        [
            kit.advisory(rule="CVE-1", scanner="trivy"),
            kit.advisory("b.txt", "CVE-1", scanner="trivy"),
        ],
        scanner="trivy",
    )
    [younger] = [finding.id for finding in site.open() if finding.id != older]
    return older, younger


def join(site: Any, kit: Any, **more: Any) -> Any:
    """A night on which an alias joins both."""
    found = kit.advisory(severity=Severity.LOW, aliases=("CVE-1",), **more)
    return site.night_of([found], scanner="pip-audit")


def test_the_younger_leads_to_the_older_and_nobody_is_alerted(
    site: Any, kit: Any, pair: tuple[str, str]
) -> None:
    older, younger = pair
    recorded = join(site, kit)
    assert (recorded.opened, recorded.resolved, recorded.reopened) == ((), (), ())
    # The older one was low: that the younger one was high is no news.
    assert recorded.regressions == ()
    [finding] = site.open()
    assert (finding.id, finding.severity) == (older, Severity.HIGH)
    assert sorted((w.scanner, w.path, str(w.severity)) for w in finding.witnesses) == [
        ("pip-audit", "requirements.txt", "low"),
        ("trivy", "b.txt", "high"),
        ("trivy", "requirements.txt", "high"),
    ]
    assert all(w.last_seen and w.fixed_version == "3.1" for w in finding.witnesses)
    assert get_finding(site.store, younger).id == older
    assert broken(site) == []


def test_parted_each_has_its_own_and_they_are_never_merged_again(
    site: Any, kit: Any, pair: tuple[str, str]
) -> None:
    older, younger = pair
    join(site, kit)
    done = part_finding(site.store, younger, by="ada", now=site.now)
    assert (done.younger, done.older, done.witnesses) == (younger, older, 2)
    found = {finding.id: finding for finding in site.open()}
    assert found.keys() == {older, younger}
    assert {w.scanner for w in found[older].witnesses} == {"pip-audit"}
    assert {w.scanner for w in found[younger].witnesses} == {"trivy"}
    assert (found[older].severity, found[younger].severity) == (Severity.LOW, Severity.HIGH)
    assert finding_events(site.store, younger)[-1].data["by"] == "ada"
    assert [e.kind for e in finding_events(site.store, younger)][-1] == "parted"
    assert broken(site) == []
    # The alias is still said, in another manifest too: whoever said it first has it.
    recorded = site.night_of(
        [
            kit.advisory(severity=Severity.LOW, aliases=("CVE-1",)),
            kit.advisory("c.txt", aliases=("CVE-1",)),
        ],
        scanner="pip-audit",
    )
    assert (recorded.opened, recorded.resolved) == ((), ())
    found = {finding.id: finding for finding in site.open()}
    assert {w.path for w in found[older].witnesses} == {"requirements.txt", "c.txt"}
    assert {w.path for w in found[younger].witnesses} == {"requirements.txt", "b.txt"}
    recorded = site.night_of(
        [
            kit.advisory(rule="CVE-1", aliases=("GHSA-1",), scanner="trivy"),
            kit.advisory("b.txt", "CVE-1", scanner="trivy"),
            kit.advisory("d.txt", "CVE-1", scanner="trivy"),
        ],
        scanner="trivy",
    )
    found = {finding.id: finding for finding in site.open()}
    assert {w.path for w in found[younger].witnesses} == {"requirements.txt", "b.txt", "d.txt"}
    assert found.keys() == {older, younger}
    assert broken(site) == []


def test_one_that_only_the_other_kept_open_is_resolved(
    site: Any, kit: Any, pair: tuple[str, str]
) -> None:
    older, younger = pair
    join(site, kit)
    site.night_of([], scanner="pip-audit")
    assert [finding.id for finding in site.open()] == [older]
    part_finding(site.store, younger, by="ada", now=site.now)
    assert [finding.id for finding in site.open()] == [younger]
    gone = get_finding(site.store, older)
    assert (gone.state, gone.cause) == (State.RESOLVED, "parted")
    assert broken(site) == []
    # It comes back as itself.
    assert site.night_of([kit.advisory()], scanner="pip-audit").reopened == (older,)
    assert broken(site) == []


def test_one_that_had_been_merged_before_goes_along(site: Any, kit: Any, pair: Any) -> None:
    older, younger = pair
    site.night_of([kit.advisory(rule="PYSEC-1", scanner="osv")], scanner="osv")
    [youngest] = [finding.id for finding in site.open() if finding.id not in pair]
    bridge = [kit.advisory(rule="PYSEC-1", scanner="osv", aliases=("CVE-1",))]
    site.night_of(bridge, scanner="osv")
    assert get_finding(site.store, youngest).id == younger
    join(site, kit)
    assert get_finding(site.store, youngest).id == older
    assert broken(site) == []
    part_finding(site.store, younger, by="ada", now=site.now)
    assert get_finding(site.store, youngest).id == younger
    assert {w.scanner for w in get_finding(site.store, younger).witnesses} == {"trivy", "osv"}
    part_finding(site.store, youngest, by="ada", now=site.now)
    assert {finding.id for finding in site.open()} == {older, younger, youngest}
    assert broken(site) == []
    # Every scanner says what it said, and every alias is still known.
    join(site, kit)
    site.night_of(bridge, scanner="osv")
    assert {finding.id for finding in site.open()} == {older, younger, youngest}


def test_spans_that_come_to_overlap(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    [older] = [finding.id for finding in site.open()]
    other = kit.scan(A, "semgrep", rule="dangerous-exec", cwe=("CWE-327",))
    site.night_of(other, scanner="semgrep")
    [younger] = [finding.id for finding in site.open() if finding.id != older]
    # The rule says now what the defect is.
    meant = [replace(item, cwe=("CWE-95",)) for item in other]
    assert site.night_of(meant, scanner="semgrep").regressions == ()
    assert [finding.id for finding in site.open()] == [older]
    part_finding(site.store, younger, by="ada", now=site.now)
    moved = {"a.py": "import os\n" + A["a.py"]}
    change = {"c1": kit.change(A, moved)}
    site.night_of(kit.scan(moved), "c2", changes=change)
    found = [
        replace(item, cwe=("CWE-95",)) for item in kit.scan(moved, "semgrep", rule="dangerous-exec")
    ]
    site.night_of(found, "c2", "semgrep", changes=change)
    assert {finding.id for finding in site.open()} == {older, younger}
    assert broken(site) == []


@pytest.mark.parametrize(
    ("which", "said"),
    [(0, "into it were merged: CMP-"), (None, "there is no finding 'CMP-0'")],
)
def test_what_cannot_be_parted(
    site: Any, kit: Any, pair: tuple[str, str], which: int | None, said: str
) -> None:
    join(site, kit)
    name = "CMP-0" if which is None else pair[which]
    with pytest.raises(StoreError, match=said):
        part_finding(site.store, name, by="ada", now=site.now)


def test_a_record_that_was_under_way_decides_again(
    site: Any, kit: Any, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parting takes the target's version: what was decided before it is not written."""
    older, younger = pair
    join(site, kit)
    real, tries = module.load_present, []

    def once(connection: Any, target: int) -> Any:
        if not tries:
            tries.append(1)
            part_finding(site.store, younger, by="ada", now=site.now)
        return real(connection, target)

    monkeypatch.setattr(module, "load_present", once)
    site.night_of(
        [kit.advisory(rule="CVE-1", scanner="trivy", aliases=("GHSA-1",))], scanner="trivy"
    )
    assert {finding.id for finding in list_findings(site.store)} == {older, younger}
    assert broken(site) == []


def test_a_waiver_of_the_younger_does_not_hold_the_older_and_comes_back_with_it(
    site: Any, kit: Any, pair: tuple[str, str]
) -> None:
    _, younger = pair
    add_waiver(site.store, site.waiver(finding=younger), WaiverPolicy(), now=site.now)
    assert site.waived() == {younger}
    join(site, kit)
    # What was accepted is a part of it only.
    assert site.waived() == set()
    part_finding(site.store, younger, by="ada", now=site.now)
    assert site.waived() == {younger}
    assert broken(site) == []
