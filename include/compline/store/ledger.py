"""Reads the ledger: what a run has looked at, what it has not, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from compline.codec import load_gaps
from compline.model import FilesRead, Gap
from compline.store.adhoc import AdHocResult, read_adhoc
from compline.store.handle import Store
from compline.store.schema import evidence, gap_sets, ledger, targets


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one scanner did with one target in one run."""

    run: int
    target: str
    scanner: str
    outcome: str
    """`completed`, `skipped` or `failed`."""
    result: str
    """`recorded`, `held`, `superseded` by a newer look, or `adhoc`."""
    reason: str
    """Of a skip, a failure, a hold."""
    gaps: tuple[Gap, ...]
    warnings: tuple[str, ...]
    revision: str
    ref: str
    tool_version: str
    scan_key: str
    """Digest; empty where it could not be computed."""
    advisory_date: str
    reused_from: int | None
    """The run that really scanned, where this one found nothing changed."""
    sandbox: str
    seconds: float
    observations: int
    looked_at: datetime
    files: FilesRead | None
    """Of looks at model files."""
    evidence: tuple[str, ...] = field(default=())
    """Digests of the reports, for a reused look those of the run that it was reused from."""

    @property
    def rests_on(self) -> tuple[str, ...]:
        """In words, as far as there is anything to say: the earlier run, the files read anew."""
        words = []
        if self.files:
            words.append(f"read {self.files.read} of {self.files.files} files")
        if self.reused_from and self.reused_from != self.run:
            words.append(f"unchanged since run {self.reused_from}")
        return tuple(words)

    @property
    def left_out(self) -> str:
        """The gaps in words, by reason; empty where there are none."""
        counts: Counter[str] = Counter()
        for gap in self.gaps:
            counts[gap.reason.value] += gap.count
        return ", ".join(f"{number} {reason}" for reason, number in counts.items())

    def as_json(self) -> dict[str, Any]:
        """Plain values, as `compline coverage --format json` prints them."""
        values: dict[str, Any] = asdict(self)
        values["gaps"] = [
            {name: value for name, value in gap.items() if value not in ("", ())}
            for gap in values["gaps"]
        ]
        values["looked_at"] = self.looked_at.isoformat()
        return values


def coverage(store: Store, run: int) -> tuple[LedgerRow, ...]:
    """All rows of a run, by target and scanner."""
    query = (
        select(ledger, targets.c.name, gap_sets.c.body)
        .join(targets, targets.c.id == ledger.c.target_id)
        .outerjoin(gap_sets, gap_sets.c.digest == ledger.c.gap_set)
        .where(ledger.c.run_id == run)
        .order_by(targets.c.name, ledger.c.scanner)
    )
    proofs = (
        select(ledger.c.target_id, ledger.c.scanner, evidence.c.digest)
        .join(
            evidence,
            (evidence.c.target_id == ledger.c.target_id)
            & (evidence.c.scanner == ledger.c.scanner)
            & (
                (evidence.c.run_id == ledger.c.run_id) | (evidence.c.run_id == ledger.c.reused_from)
            ),
        )
        .where(ledger.c.run_id == run)
        .order_by(evidence.c.digest)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
        digests: dict[tuple[int, str], list[str]] = {}
        for target, scanner, digest in connection.execute(proofs):
            digests.setdefault((target, scanner), []).append(digest)
    parsed: dict[str | None, tuple[Gap, ...]] = {None: ()}
    for row in rows:
        if row.gap_set not in parsed:
            parsed[row.gap_set] = load_gaps(row.body)
    return tuple(
        _view(row, parsed[row.gap_set], digests.get((row.target_id, row.scanner), []))
        for row in rows
    )


def adhoc_result(store: Store, run: int) -> AdHocResult:
    """What an ad hoc run saw, over all its targets."""
    with store.reading() as connection:
        return read_adhoc(connection, run)


def _view(row: Any, gaps: tuple[Gap, ...], digests: list[str]) -> LedgerRow:
    return LedgerRow(
        run=row.run_id,
        target=row.name,
        scanner=row.scanner,
        outcome=row.outcome,
        result=row.result,
        reason=row.reason,
        gaps=gaps,
        warnings=tuple(row.warnings),
        revision=row.revision,
        ref=row.ref,
        tool_version=row.tool_version,
        scan_key=row.scan_key or "",
        advisory_date=row.advisory_date,
        reused_from=row.reused_from,
        sandbox=row.sandbox,
        seconds=row.seconds,
        observations=row.observations,
        looked_at=row.looked_at,
        files=None if row.files is None else FilesRead(row.files_read, row.files),
        evidence=tuple(dict.fromkeys(digests)),
    )
