"""The value that every collector makes: named data frames, and what could not be collected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compline.model import Fact, Gap, Link
from compline.scanners.services import one_line

if TYPE_CHECKING:
    # pandas costs a second to import; only a scan that runs pays it.
    from pandas import DataFrame


class CannotCollect(Exception):
    """The store did not answer, or its answer cannot be trusted; the message has no secret."""


@dataclass(frozen=True)
class Inventory:
    """What a store says of itself, as tables that expectations are held against."""

    frames: Mapping[str, DataFrame]
    """By the names that suites use. Rows are numbered from 0 without holes."""
    refused: Mapping[str, Gap] = field(default_factory=dict)
    """Frames that the store would not show, with the gap that this leaves."""
    gaps: tuple[Gap, ...] = ()
    """Gaps inside frames that are there (a list that was cut short)."""
    facts: tuple[Fact, ...] = ()
    """What is no defect by itself, but whose change is told."""
    links: tuple[Link, ...] = ()
    """What depends on what, as far as it was seen."""
    sandbox: str = ""
    """How the tools of the collector were confined; empty where it ran none."""

    @property
    def all_gaps(self) -> tuple[Gap, ...]:
        """Every part that was not covered."""
        return (*self.refused.values(), *self.gaps)


def frame_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """A frame with exactly these columns, also when there are no rows.

    Columns keep Python's own values (dtype object): pandas must not turn a name into a number,
    nor a missing truth value into False.
    """
    import pandas

    listed = list(rows)
    return pandas.DataFrame(
        {column: pandas.Series([row[column] for row in listed], dtype=object) for column in columns}
    )


def records(frame: DataFrame) -> list[dict[str, Any]]:
    """The frame's rows in their order."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


_SECRET_COLUMN = re.compile(
    r"pass(word|wd|phrase)?$|pwd|secret|token|credential|private_?key|api_?key|access_?key"
    r"|connection_?(string|url|uri)|dsn|verifier",
    re.IGNORECASE,
)
_URL_CREDENTIAL = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
_LONGEST = 200


def evidence_text(column: str, value: object) -> str:
    """A cell as text for people: masked where it may be a secret, one line, at most 200 letters."""
    if _SECRET_COLUMN.search(column):
        return "" if value is None else "***"
    return one_line(_URL_CREDENTIAL.sub("***", as_text(value)), _LONGEST)


def as_text(value: object) -> str:
    """A cell as the suites write it: `true`, `false`, empty for nothing, JSON for lists."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # not-a-number differs from itself
        return ""
    if isinstance(value, bool | list | tuple | dict):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)
