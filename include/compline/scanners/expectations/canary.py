"""Proves at every scan that a suite still finds what is known to be wrong.

Recorded answers of a bad store go through the same parser and the same runner as the real ones.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compline.model import MISSED_CANARY
from compline.scanners.expectations import files, gx_runner
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.inventory import Inventory, frame_of
from compline.scanners.expectations.policy import POLICY_COLUMNS, POLICY_FRAME, BoundSuite, bind
from compline.scanners.expectations.postgresql import Answers
from compline.scanners.expectations.postgresql_frames import inventory_of
from compline.scanners.expectations.suite import Expectation
from compline.scanners.expectations.suite_file import built_in

_RECORDED = Path(__file__).parent / "canaries"


class CanaryMissed(Exception):
    """A known defect was not reported, so nothing that the suite says can be trusted."""


def prove_built_in(kind: str, suffix: str = "") -> None:
    """Holds the built-in suite of a kind against a recorded store that breaks all of it.

    `suffix` is the one of the inventory file, so that its own reader is proved.

    Raises:
        CanaryMissed: names the expectations that said nothing.
        CannotJudge, CannotCollect: the recorded answers cannot even be read or judged.
    """
    suite = built_in(kind)
    recorded = json.loads((_RECORDED / f"{kind}.json").read_text(encoding="utf-8"))
    if kind == "postgresql":
        policy = recorded["policy"]
        inventory = _postgresql(recorded)
    else:
        policy = {}
        inventory = files.inventory_of(_written(recorded, suffix), suffix, {})
    verdict = hold_against(bind(suite, policy), inventory, "canary")
    found = {observation.rule for observation in verdict.observations}
    _missed(sorted({expectation.id for expectation in suite.expectations} - found))


def prove_own(suite: BoundSuite) -> tuple[str, ...]:
    """Tries each expectation that has a `canary` row on it; gives the ids of those without one.

    Raises:
        CanaryMissed: names the expectations that did not report their row.
        CannotJudge: one of them raised.
    """
    by_frame: dict[str, list[Expectation]] = {}
    for expectation in suite.expectations:
        if expectation.canary is not None:
            by_frame.setdefault(expectation.frame, []).append(expectation)
    missed = []
    for expectations in by_frame.values():
        rows = [expectation.canary or {} for expectation in expectations]
        columns = sorted({column for row in rows for column in row})
        frame = frame_of(columns, [{c: row.get(c) for c in columns} for row in rows])
        for number, judged in enumerate(gx_runner.judge(frame, expectations)):
            if number not in {*judged.unexpected, *judged.empty} and not judged.whole:
                missed.append(judged.expectation.id)
    _missed(missed)
    return tuple(e.id for e in suite.expectations if e.canary is None)


def _missed(ids: list[str]) -> None:
    if ids:
        raise CanaryMissed(
            f"the check {MISSED_CANARY}: a known defect was not reported by {', '.join(ids)}: "
            "the suite or the installed great-expectations or pandas does not do what it did"
        )


def _postgresql(recorded: Mapping[str, Any]) -> Inventory:
    rows = {name: tuple(tuple(row) for row in rows) for name, rows in recorded["rows"].items()}
    inventory = inventory_of(
        Answers(rows=rows, our_end=recorded["our_end"]), recorded["policy"]["grants"]
    )
    policy = frame_of(POLICY_COLUMNS, recorded["policy_rows"])
    return Inventory(frames={**inventory.frames, POLICY_FRAME: policy})


def _written(rows: list[dict[str, Any]], suffix: str) -> bytes:
    """The recorded rows as a file of the wanted sort."""
    if suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    if suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        buffer = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
        return buffer.getvalue()
    if suffix == ".jsonl":
        return "\n".join(json.dumps(row) for row in rows).encode()
    return json.dumps(rows).encode()
