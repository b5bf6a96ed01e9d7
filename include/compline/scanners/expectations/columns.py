"""Which questions an inventory of somebody else's making allows, and that none is lost unseen.

Optional expectations are asked where the frame has their columns. A column that an exporter drops
would otherwise close what was found by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from compline.scanners.expectations.gx_runner import CannotJudge
from compline.scanners.expectations.inventory import Inventory
from compline.scanners.expectations.policy import BoundSuite


def told_columns(suite: BoundSuite, inventory: Inventory) -> dict[str, list[str]]:
    """By the id of each optional expectation that can be asked, its columns, sorted."""
    return {
        one.id: sorted(one.asked_columns | set(one.row_condition))
        for one in suite.expectations
        if one.optional
        and one.frame in inventory.frames
        and one.columns <= set(inventory.frames[one.frame].columns)
    }


def remember(told: Mapping[str, list[str]]) -> bytes:
    """The same for the next look, and for checks that build on this one; see `asked_of`."""
    return json.dumps({"columns": told}, sort_keys=True).encode()


def asked_of(memory: bytes | None) -> Mapping[str, list[str]]:
    """The optional expectations of the last look with their columns; empty where there was none."""
    told: Mapping[str, list[str]] = json.loads(memory or b"{}").get("columns", {})
    return told


def check_kept(before: Mapping[str, list[str]], inventory: Inventory) -> None:
    """Holds the columns that there are against those that were judged at the last look.

    Raises:
        CannotJudge: one is gone, so nobody knows what was found by it.
    """
    there = {column for frame in inventory.frames.values() for column in frame.columns}
    gone = sorted({column for columns in before.values() for column in columns} - there)
    if gone:
        raise CannotJudge(
            f"columns that the last look had are gone: {', '.join(gone)}; if that is meant, "
            "declare under `columns:` those that there are"
        )
