"""What samples say, as the frames that the suite speaks of, and back from recorded samples."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import Inventory, frame_of
from compline.scanners.stores.content import sample, statistics
from compline.scanners.stores.content.sample import Samples

PACKAGES = ("psycopg", "pyarrow")

_COLUMNS = ("column", "declared", "sampled", "fits", "why", "distinct_percent", "guessable")
_SIGHTINGS = ("column", "declared", "kind", "hits", "sampled")
_PATTERNS = ("pattern", "declared", "columns")
_OPAQUE = ("encrypted", "hashed", "pseudonymised")


def variant(_asked: Asked) -> str:
    """Samples are judged the same way, whatever they were drawn from."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Draws a sample and keeps its counts."""
    content = dict(asked.target.settings.get("content") or {})
    rows = int(content["rows"])
    if asked.target.settings.get("kind") == "postgresql":
        drawn = sample.of_postgresql(asked.secret("url"), content["tables"], rows, asked.seconds)
    else:
        drawn = sample.of_file(Path(asked.text("path")), rows)
    return inventory_of(drawn, content)


def recorded(answers: Mapping[str, Any], _asked: Asked) -> Inventory:
    """The inventory of recorded samples, which are made up."""
    return inventory_of(Samples(answers["columns"]), answers["content"])


def inventory_of(drawn: Samples, content: Mapping[str, Any]) -> Inventory:
    """The frames; no value of the sample is in them.

    Args:
        drawn: the sample.
        content: the target's section: `columns` (pattern to what it is declared as),
            `least_percent` and `least_distinct_percent`.
    """
    declared: Mapping[str, str] = content.get("columns") or {}
    columns, sightings, gaps = [], [], list(drawn.gaps)
    for name, values in sorted(drawn.columns.items()):
        what = next((w for pattern, w in declared.items() if fnmatchcase(name, pattern)), "")
        if not values:
            if what:
                detail = f"{name} holds nothing that could be looked at"
                gaps.append(Gap(GapReason.NOT_REPORTED, f"column/{_place(name)}", detail))
            continue
        judged = statistics.judge(what, values)
        share = round(100 * statistics.distinct_share(values), 1)
        columns.append(
            {
                "column": _place(name),
                "declared": what,
                "sampled": len(values),
                "fits": judged.fits,
                "why": judged.why,
                "distinct_percent": share,
                "guessable": what in ("encrypted", "hashed")
                and len(values) >= _FEW
                and share < float(content.get("least_distinct_percent", 5)),
            }
        )
        least = float(content.get("least_percent", 5)) / 100
        sightings += [
            {
                "column": _place(name),
                "declared": what,
                "kind": seen.kind,
                "hits": seen.hits,
                "sampled": len(values),
            }
            for seen in statistics.sightings(values, least)
            if what not in _OPAQUE or seen.kind == "secret"
        ]
    patterns = [
        {
            "pattern": pattern,
            "declared": what,
            "columns": sum(fnmatchcase(name, pattern) for name in drawn.columns),
        }
        for pattern, what in declared.items()
    ]
    return Inventory(
        {
            "columns": frame_of(_COLUMNS, columns),
            "sightings": frame_of(_SIGHTINGS, sightings),
            "patterns": frame_of(_PATTERNS, patterns),
        },
        gaps=tuple(gaps),
    )


_FEW = 50
"""Values of which it can be said whether they repeat."""


def _place(name: str) -> str:
    """`crm.people.email` as `crm.people/email`, so that a gap can cover a table."""
    table, _, column = name.rpartition(".")
    return f"{table}/{column}" if table else column
