"""Which statements are one defect."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from compline.findings.correlate import Sighting, correlate
from compline.findings.cwe import FAMILIES, families
from compline.model import FindingKind, Observation, Place

TEXT = "def f(x):\n    exec(x); exec(y)\n    subprocess.run(\n        x,\n        shell=True)\n"


def groups(*observations: Observation | Sighting) -> list[tuple[int, ...]]:
    sightings = [item if isinstance(item, Sighting) else Sighting(item) for item in observations]
    return sorted(correlate(sightings))


def span(kit: Any, scanner: str, cwe: str, *place: int | None) -> Observation:
    line, end_line, column, end_column = (*place, None, None)[:4]
    item: Observation = kit.code("a.py", TEXT, line, scanner=scanner, cwe=(cwe,))
    return replace(
        item,
        place=replace(item.place, end_line=end_line, column=column, end_column=end_column),
    )


def test_two_tools_on_one_line_are_one_defect(kit: Any) -> None:
    assert groups(span(kit, "bandit", "CWE-78", 3, 3), span(kit, "semgrep", "CWE-95", 3, 5)) == [
        (0, 1)
    ]


@pytest.mark.parametrize(
    ("scanner", "cwe", "place"),
    [
        ("bandit", "CWE-78", (3, 5)),  # the same tool means another defect
        ("semgrep", "CWE-327", (3, 5)),  # another family
        ("semgrep", "CWE-78", (2, 2)),  # another place
        ("semgrep", "", (3, 5)),  # nobody says what it is
    ],
)
def test_what_is_not_one_defect(kit: Any, scanner: str, cwe: str, place: tuple[int, int]) -> None:
    assert groups(span(kit, "bandit", "CWE-78", 3, 5), span(kit, scanner, cwe, *place)) == [
        (0,),
        (1,),
    ]


def test_two_on_one_line_pair_off_by_column(kit: Any) -> None:
    assert groups(
        span(kit, "bandit", "CWE-78", 2, 2, 5, 12),
        span(kit, "bandit", "CWE-78", 2, 2, 14, 21),
        span(kit, "semgrep", "CWE-95", 2, 2, 14, 21),
        span(kit, "semgrep", "CWE-95", 2, 2, 5, 12),
    ) == [(0, 3), (1, 2)]


def test_side_by_side_is_not_one(kit: Any) -> None:
    assert groups(
        span(kit, "bandit", "CWE-78", 2, 2, 5, 12), span(kit, "semgrep", "CWE-78", 2, 2, 14, 21)
    ) == [(0,), (1,)]


def test_the_better_fit_wins(kit: Any) -> None:
    wide = span(kit, "semgrep", "CWE-78", 1, 5)
    close = span(kit, "semgrep", "CWE-78", 3, 5)
    assert groups(wide, span(kit, "bandit", "CWE-78", 3, 5), close) == [(0,), (1, 2)]


def test_other_files_are_other_places(kit: Any) -> None:
    one = span(kit, "bandit", "CWE-78", 3, 5)
    other = span(kit, "semgrep", "CWE-78", 3, 5)
    assert groups(one, replace(other, place=replace(other.place, path="b.py"))) == [(0,), (1,)]


def test_a_finding_never_splits(kit: Any) -> None:
    assert groups(
        Sighting(span(kit, "bandit", "CWE-78", 2, 2), "CMP-1"),
        Sighting(span(kit, "semgrep", "CWE-78", 5, 5), "CMP-1"),
    ) == [(0, 1)]


def test_advisories_join_over_scanners_manifests_and_aliases(kit: Any) -> None:
    assert groups(
        kit.advisory("a.txt", rule="PYSEC-1", aliases=("CVE-1",)),
        kit.advisory("b.txt", rule="GHSA-1", aliases=("CVE-1",)),
        kit.advisory("b.txt", rule="CVE-1", scanner="trivy"),
        kit.advisory("b.txt", rule="CVE-2"),
        kit.advisory("b.txt", rule="CVE-1", name="flask"),
    ) == [(0, 1, 2), (3,), (4,)]


def test_secrets_join_by_their_hash_and_licences_by_rule_and_subject(kit: Any) -> None:
    def about(kind: FindingKind, rule: str, subject: str, path: str) -> Observation:
        item: Observation = kit.code(path, "x", 1, kind=kind, rule=rule, subject=subject)
        return replace(item, place=Place(path, 1))

    assert groups(
        about(FindingKind.SECRET, "aws", "h1", "a"),
        about(FindingKind.SECRET, "generic", "h1", "b"),
        about(FindingKind.SECRET, "aws", "h2", "a"),
        about(FindingKind.LICENSE, "AGPL-3.0", "pypi:a", "a"),
        about(FindingKind.LICENSE, "AGPL-3.0", "pypi:a", "b"),
        about(FindingKind.LICENSE, "SSPL-1.0", "pypi:a", "a"),
        about(FindingKind.ACCESS, "superuser", "role/etl", "role/etl"),
        about(FindingKind.ACCESS, "superuser", "role/bi", "role/bi"),
    ) == [(0, 1), (2,), (3, 4), (5,), (6,), (7,)]


def test_the_families_join_what_the_tools_say() -> None:
    assert families(["CWE-78"]) & families(["CWE-94"])  # exec
    assert families(["CWE-20"]) & families(["CWE-502"])  # yaml.load
    assert families(["CWE-327"]) & families(["CWE-328"])  # md5
    assert families(["CWE-259"]) & families(["CWE-798"])  # a password in the code
    assert not families(["CWE-78"]) & families(["CWE-327"])
    assert families(["CWE-99999"]) == {"99999"}
    assert families(["", "78", "CWE-x"]) == frozenset()
    assert all(members for members in FAMILIES.values())


def test_many_spans_of_two_tools_in_one_file_stay_quick(kit: Any) -> None:
    one = span(kit, "bandit", "CWE-78", 3, 5)
    other = replace(one, scanner="semgrep")
    started = time.process_time()
    assert len(groups(*[one] * 3_000, *[other] * 3_000)) <= 6_000
    assert time.process_time() - started < 5
