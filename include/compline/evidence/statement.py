"""The statement: what one look said, in one form for all scanners, so that it can be said again.

Every completed look has exactly one, the first of its evidence; behind it come the reports and
answers that the scanner kept. It holds no code: spans and fingerprints stand for that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from compline.codec import dump_completed, load_completed
from compline.model import Completed, Look, canonical_json

FORMAT = "compline.statement/1"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a look said."""

    target: str
    scanner: str
    revision: str
    scan_key: str
    """Its digest; empty where there is none."""
    tool_version: str
    advisory_date: str
    completed: Completed
    reports: tuple[str, ...]
    """Digests of what the scanner kept."""


def statement(look: Look, completed: Completed) -> bytes:
    """A completed look as a document; the same look gives the same bytes."""
    head = {
        "format": FORMAT,
        "target": look.target,
        "scanner": look.scanner,
        "revision": look.revision,
        "scan_key": look.scan_key.digest if look.scan_key else "",
        "tool_version": look.tool_version,
        "advisory_date": look.advisory_date,
        "reports": list(look.evidence),
    }
    return b'{"look":%b,"completed":%b}' % (canonical_json(head), dump_completed(completed))


def read_statement(content: bytes) -> Statement | None:
    """The statement in a document of the locker; None if it is a report.

    Raises:
        ValueError: it says that it is a statement, and cannot be read as one.
    """
    # A glance first: reports may be large, and there is one of them for each statement.
    if FORMAT.encode() not in content[:4000]:
        return None
    body: Any = json.loads(content)
    head = body.get("look") if isinstance(body, dict) else None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        return None
    try:
        return Statement(
            head["target"],
            head["scanner"],
            head["revision"],
            head["scan_key"],
            head["tool_version"],
            head["advisory_date"],
            load_completed(json.dumps(body["completed"]).encode()),
            tuple(head["reports"]),
        )
    except KeyError as error:
        raise ValueError(f"the statement lacks {error}") from error
