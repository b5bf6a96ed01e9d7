"""Great Expectations at our border: which rows it means, missing values, and what it raises."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from compline.scanners.expectations.gx_runner import CannotJudge, Judged, judge
from compline.scanners.expectations.inventory import frame_of
from compline.scanners.expectations.suite import Expectation

FRAME = frame_of(
    ("name", "kind", "open", "size"),
    [
        {"name": "a", "kind": "bucket", "open": False, "size": 1},
        {"name": "b", "kind": "bucket", "open": True, "size": 2},
        {"name": "c", "kind": "queue", "open": True, "size": 30},
        {"name": "d", "kind": "bucket", "open": None, "size": None},
        {"name": "e", "kind": None, "open": False, "size": 5},
        {"name": "b", "kind": "queue", "open": False, "size": 6},
    ],
)


def expectation(expect: str, kwargs: dict[str, Any], **more: Any) -> Expectation:
    return Expectation(
        id="rule",
        frame="inventory",
        expect=expect,
        kwargs=kwargs,
        severity="low",  # type: ignore[arg-type]
        title="t",
        remediation="r.",
        resource="resource/{name}",
        **more,
    )


def one(expect: str, kwargs: dict[str, Any], **more: Any) -> Judged:
    (judged,) = judge(FRAME, [expectation(expect, kwargs, **more)])
    return judged


def test_rows_that_are_not_as_expected_and_rows_without_a_value() -> None:
    judged = one("ExpectColumnValuesToBeInSet", {"column": "open", "value_set": [False]})

    assert judged.looked_at == 6
    assert judged.unexpected == (1, 2)
    assert judged.empty == (3,)


def test_a_condition_selects_rows_and_an_unknown_one_is_not_passed_over() -> None:
    judged = one(
        "ExpectColumnValuesToBeInSet",
        {"column": "open", "value_set": [False]},
        row_condition={"kind": "bucket"},
    )

    assert judged.looked_at == 3
    assert judged.unexpected == (1,)
    assert judged.empty == (3, 4)


def test_a_condition_of_several_values_and_columns() -> None:
    judged = one(
        "ExpectColumnValuesToNotBeInSet",
        {"column": "name", "value_set": ["a", "c"]},
        row_condition={"kind": ["queue", "bucket"], "open": False},
    )

    assert judged.unexpected == (0,)


def test_numbers_with_a_hole() -> None:
    judged = one("ExpectColumnValuesToBeBetween", {"column": "size", "max_value": 10})

    assert judged.unexpected == (2,)
    assert judged.empty == (3,)


def test_missing_values_asked_for_are_not_counted_twice() -> None:
    judged = one("ExpectColumnValuesToNotBeNull", {"column": "size"})

    assert (judged.unexpected, judged.empty) == ((3,), ())


def test_pairs_and_uniqueness() -> None:
    assert one("ExpectColumnValuesToBeUnique", {"column": "name"}).unexpected == (1, 5)
    pair = one("ExpectColumnPairValuesToBeEqual", {"column_A": "name", "column_B": "kind"})
    assert pair.unexpected == (0, 1, 2, 3, 4, 5)


def test_an_expectation_about_the_whole_frame() -> None:
    judged = one("ExpectTableRowCountToBeBetween", {"min_value": 10})

    assert judged.whole
    assert judged.observed == "6"
    assert not one("ExpectTableRowCountToBeBetween", {"min_value": 1}).whole


def test_no_row_to_ask_is_not_asked() -> None:
    judged = one(
        "ExpectColumnValuesToBeInSet",
        {"column": "open", "value_set": [False]},
        row_condition={"kind": "topic"},
    )

    # Whose kind is not known may be a topic.
    assert (judged.looked_at, judged.unexpected, judged.empty) == (0, (), (4,))


def test_quotes_in_a_condition_stay_text() -> None:
    judged = one(
        "ExpectColumnValuesToNotBeNull",
        {"column": "name"},
        row_condition={"kind": "' or open == True or 'x"},
    )

    assert judged.looked_at == 0


def test_several_in_one_run_keep_their_order() -> None:
    same = {"column": "open", "value_set": [False]}
    judged = judge(
        FRAME,
        [
            expectation("ExpectColumnValuesToBeInSet", same),
            expectation("ExpectTableRowCountToBeBetween", {"min_value": 10}),
            expectation("ExpectColumnValuesToBeInSet", same, row_condition={"kind": "queue"}),
            expectation("ExpectColumnValuesToBeInSet", same),
        ],
    )

    assert [item.unexpected for item in judged] == [(1, 2), (), (2,), (1, 2)]
    assert judge(FRAME, []) == []


@pytest.mark.parametrize(
    ("expect", "kwargs", "message"),
    [
        ("ExpectNothing", {"column": "name"}, "Great Expectations has no ExpectNothing"),
        ("ExpectColumnValuesToBeInSet", {"column": "nmae", "value_set": []}, "no column nmae"),
        ("ExpectColumnValuesToBeInSet", {"column": "name", "wrong": 1}, "expectation rule: "),
        ("ExpectColumnValuesToMatchRegex", {"column": "name", "regex": "("}, "rule raised"),
        ("ExpectColumnValuesToBeBetween", {"column": "name", "max_value": 3}, "rule raised"),
    ],
)
def test_what_cannot_be_asked_is_named(expect: str, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotJudge, match=r"(?s)" + message.replace("(", r"\(")):
        one(expect, kwargs)


def test_a_shorter_look_than_was_asked_for_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a later pandas or Great Expectations dropped rows on the way."""
    from compline.scanners.expectations import gx_runner

    whole = gx_runner._run

    def shortened(gx: Any, asked: Any, frame: Any) -> Any:
        return whole(gx, asked, frame.head(3))

    monkeypatch.setattr(gx_runner, "_run", shortened)

    with pytest.raises(CannotJudge, match="looked at 3 of 6 rows"):
        one("ExpectColumnValuesToBeInSet", {"column": "open", "value_set": [False]})


STATISTICS = """
import gc, sys
from compline.scanners.expectations.gx_runner import judge
from compline.scanners.expectations.inventory import frame_of
from compline.scanners.expectations.suite import Expectation

def one(expect, kwargs):
    (judged,) = judge(
        frame_of(("kind",), [{"kind": kind} for kind in "aaab"]),
        [
            Expectation(
                id="rule", frame="inventory", expect=expect, kwargs=kwargs, severity="low",
                title="t", remediation="r.", resource="resource/{kind}",
            )
        ],
    )
    return judged

judged = one("ExpectColumnValuesToBeInSet", {"column": "kind", "value_set": ["a"]})
print(judged.unexpected, gc.isenabled(), "scipy.stats._stats_py" in sys.modules)
for weights in ([0.75, 0.25], [0.1, 0.9]):
    partition = {"values": ["a", "b"], "weights": weights}
    judged = one(
        "ExpectColumnKLDivergenceToBeLessThan",
        {"column": "kind", "partition_object": partition, "threshold": 0.1},
    )
    print(judged.whole, "scipy.stats._stats_py" in sys.modules)
"""


def test_statistics_are_loaded_only_when_an_expectation_asks_for_them() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STATISTICS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["(3,) True False", "False True", "True True"]
