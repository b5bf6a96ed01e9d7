"""What the gate's judgement stands on: last looks, how old they are, and open findings."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from compline.evidence.locker import EvidenceMissing
from compline.evidence.statement import read_statement
from compline.findings.gate import Defect
from compline.model import Gap, State
from compline.pipeline.session import Session
from compline.store.findings import FindingFilter, list_findings
from compline.store.ledger import LedgerRow, coverage
from compline.store.looks import LastLook, last_looks
from compline.store.views import AsOf


@dataclass(frozen=True)
class Sight:
    """One scanner's last look at one target, as far as it can be relied on."""

    target: str
    scanner: str
    problem: str
    """Why it says nothing; empty if it can be relied on."""
    run: int = 0
    looked_at: str = ""
    """ISO time."""
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the scanner itself kept; empty where it keeps none of its own making."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, as the decision names it."""
        return {
            "target": self.target,
            "scanner": self.scanner,
            "run": self.run,
            "looked_at": self.looked_at,
            "evidence": list(self.evidence),
            "problem": self.problem,
        }


class Sights:
    """Last looks and open findings as of one moment; remembers what was used."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._ledgers: dict[int, tuple[LedgerRow, ...]] = {}
        self.used: dict[tuple[str, str], Sight] = {}

    def of(self, target: str, scanner: str, since: datetime, *, may_skip: bool = False) -> Sight:
        """The last look.

        Args:
            target: its name.
            scanner: its name.
            since: a look from before cannot be relied on.
            may_skip: whether it is well where there was nothing for the scanner.

        Raises:
            EvidenceUnavailable: the locker cannot be reached.
        """
        found = self._sight(target, scanner, since, may_skip=may_skip)
        self.used[target, scanner] = found
        return found

    def defects(self, target: str, scanners: Collection[str]) -> Iterator[Defect]:
        """Open findings of these scanners, once for each place."""
        which = FindingFilter(
            states=(State.OPEN,), targets=(target,), scanners=tuple(scanners), now=self._now
        )
        as_of = AsOf(self._now, self._now)
        for view in list_findings(self._session.store, which, as_of=as_of):
            waived = "waived" in view.conditions
            for path in dict.fromkeys((view.path, *(place.path for place in view.locations))):
                yield Defect(view.id, view.rule, view.severity, view.title, path, waived)

    @cached_property
    def _looks(self) -> dict[tuple[str, str], LastLook]:
        return last_looks(self._session.store)

    def _sight(self, target: str, scanner: str, since: datetime, *, may_skip: bool) -> Sight:
        look = self._looks.get((target, scanner))
        if look is None:
            return Sight(target, scanner, f"{target} was never looked at")
        row = self._row(look)
        problem = ""
        if look.held:
            problem = "it lost findings that nobody closed: the last look is held"
        elif look.outcome == "failed":
            problem = f"the last look at {target} failed: {row.reason if row else 'see the ledger'}"
        elif look.looked_at < since:
            problem = f"the last look at {target} is of {_short(look.looked_at)}, too long ago"
        elif look.outcome == "skipped" and not may_skip:
            problem = f"it does not look at {target}: {row.reason if row else 'see the ledger'}"
        elif row is None:
            problem = f"the ledger of the last look at {target} is gone"
        at = look.looked_at.isoformat()
        if row is None or problem or look.outcome != "completed":
            return Sight(target, scanner, problem, look.run, at)
        report, trouble = self._report(row)
        return Sight(target, scanner, trouble, look.run, at, row.gaps, row.evidence, report)

    def _row(self, look: LastLook) -> LedgerRow | None:
        if look.run not in self._ledgers:
            self._ledgers[look.run] = coverage(self._session.store, look.run)
        rows = self._ledgers[look.run]
        return next((r for r in rows if (r.target, r.scanner) == (look.target, look.scanner)), None)

    def _report(self, row: LedgerRow) -> tuple[Mapping[str, Any], str]:
        """What the scanner has kept, and why it cannot be read; whatever is no longer as it was
        put proves nothing."""
        found: Mapping[str, Any] = {}
        for digest in row.evidence:
            try:
                content = self._session.evidence.get(digest)
                if read_statement(content) is None:
                    value = json.loads(content)
                    if isinstance(value, dict) and value.get("scanner") == row.scanner:
                        found = value
            except EvidenceMissing as error:
                return {}, str(error)
            except ValueError:
                continue  # a report of a tool, in a form of its own
        return found, ""


def _short(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
