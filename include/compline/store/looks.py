"""What planning needs to know: when each target was last looked at, with what, and where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from compline.model import ScanKey
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.load import PRESENT
from compline.store.rows import scan_key
from compline.store.schema import gap_sets, heads, scan_keys, targets, witnesses


@dataclass(frozen=True, slots=True)
class LastLook:
    """One scanner's last looks at one target."""

    target: str
    scanner: str
    outcome: str
    """Of the newest recorded look: `completed`, `skipped` or `failed`."""
    looked_at: datetime
    run: int
    """Of the newest recorded look."""
    held: bool
    """A drop is not believed yet: scan again, fresh."""
    completed_at: datetime | None
    """Of the newest completed look that was not held, as all that follows; None: never."""
    scanned_run: int | None
    """The run that really scanned; later ones may have reused it."""
    revision: str
    ref: str
    scan_key: str
    """Digest."""
    scan_key_parts: ScanKey | None
    tool_version: str
    advisory_date: str
    observations: int
    gaps: int
    """How many files or entries the gaps stand for."""

    def reusable(self, revision: str, scan_key: str) -> bool:
        """Whether a look now, at this revision with this key, could only say the same."""
        return (
            self.completed_at is not None
            and not self.held
            and bool(revision)
            and self.revision == revision
            and self.scan_key == scan_key
        )


def last_looks(store: Store) -> dict[tuple[str, str], LastLook]:
    """The last looks of every listed target by (target, scanner), in one query."""
    query = (
        select(heads, scan_keys, targets.c.name, gap_sets.c.total)
        .join(targets, targets.c.id == heads.c.target_id)
        .outerjoin(scan_keys, scan_keys.c.digest == heads.c.scan_key)
        .outerjoin(gap_sets, gap_sets.c.digest == heads.c.gap_set)
        .where(targets.c.state == "listed")
    )
    with store.reading() as connection:
        return {
            (row.name, row.scanner): LastLook(
                row.name,
                row.scanner,
                row.outcome,
                row.looked_at,
                row.run_id,
                row.held_lost > 0,
                row.completed_at,
                row.scanned_run,
                row.revision,
                row.ref,
                row.scan_key or "",
                scan_key(row),
                row.tool_version,
                row.advisory_date,
                row.observations,
                row.total or 0,
            )
            for row in connection.execute(query)
        }


def base_revisions(store: Store, target: str) -> dict[str, str]:
    """By scanner the revision that its witnesses stand at: what `changes` start from.

    Raises:
        StoreError: there is no such target.
    """
    query = (
        select(targets.c.id, heads.c.scanner, heads.c.revision)
        .outerjoin(heads, (heads.c.target_id == targets.c.id) & (heads.c.revision != ""))
        .where(targets.c.name == target)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    if not rows:
        raise StoreError(f"there is no target {target!r}: sync the targets first")
    return {row.scanner: row.revision for row in rows if row.scanner is not None}


def witness_paths(store: Store, target: str) -> frozenset[str]:
    """The paths that carry open findings: line maps are wanted for these."""
    query = (
        select(witnesses.c.observation)
        .join(targets, targets.c.id == witnesses.c.target_id)
        .where(targets.c.name == target, witnesses.c.state.in_(PRESENT))
    )
    with store.reading() as connection:
        # Reading a whole observation takes five times as long, and there may be thousands.
        found = {
            json.loads(observation)["place"].get("path", "")
            for observation in connection.scalars(query)
        }
    return frozenset(found - {""})
