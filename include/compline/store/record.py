"""Records what a run has seen: the one way into findings, and its two siblings.

`record` reads what is known, lets the pure half decide, and writes the decision in one short
transaction that holds only if nobody has recorded at the target meanwhile; otherwise it starts
again. So the transaction is as short as the writing, and a rerun of the same input changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, update

from compline.collector import uncollected
from compline.findings.change import TreeChange
from compline.findings.decision import Decision
from compline.findings.facts import NONE_KNOWN
from compline.findings.history import History, LazyHistory, Line
from compline.findings.known import Head, KnownFinding
from compline.findings.lifecycle import Policy, decide
from compline.findings.regressions import Regression
from compline.findings.scene import Scene
from compline.findings.sights import sight
from compline.model import Look, State
from compline.store.adhoc import AdHocResult, record_adhoc
from compline.store.errors import StoreError
from compline.store.facts import load_facts
from compline.store.handle import Store
from compline.store.ids import new_finding_id, new_waiver_id
from compline.store.ledger_rows import Entry, Visit, outcome_of, write_looks
from compline.store.links import write_links
from compline.store.load import (
    TargetState,
    load_findings,
    load_gone,
    load_partings,
    load_present,
    load_target,
)
from compline.store.memories import write_memories
from compline.store.reuse import Reuse, record_reused
from compline.store.schema import targets
from compline.store.waived import load_acceptances
from compline.store.write import withdraw_lost_coverage, write_decision

__all__ = [
    "AdHocResult",
    "Recorded",
    "RecordedRow",
    "Reuse",
    "record",
    "record_adhoc",
    "record_reused",
]

_TRIES = 50
"""How often a record starts again; each time somebody else has got through."""


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """What became of one look."""

    scanner: str
    outcome: str
    result: str
    """`recorded`; `already` for a rerun; `superseded` where a newer look stands, `held` for a
    drop that is not believed: both leave the findings that it does not show as they are."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record has changed; ids of findings."""

    rows: tuple[RecordedRow, ...]
    opened: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    regressions: tuple[Regression, ...] = ()


def record(
    store: Store,
    run: int,
    target: str,
    looks: Sequence[Look],
    *,
    looked_at: datetime,
    now: datetime,
    ref: str = "",
    changes: Mapping[str, TreeChange] | None = None,
    policy: Policy | None = None,
    history: Callable[[frozenset[Line]], History] | None = None,
) -> Recorded:
    """Records all looks of one target at its tracked ref's head, in one transaction.

    Args:
        store: where.
        run: the run that looked.
        target: the target's name, as synced.
        looks: one per scanner.
        looked_at: when the head was asked for; a look older than the last recorded one of its
            scanner gets a ledger row and changes nothing else.
        now: the time of writing.
        ref: the tracked ref.
        changes: by the revision that a scanner last completed (see `looks.base_revisions`), what
            happened since then; a revision that is missing is matched by content.
        policy: what the configuration says of lives.
        history: reads who changed some places last; called without a connection, and only for
            what the record is about to tell of.

    Raises:
        StoreError: no such target or run, or too many others record at the target.
    """
    for look in looks:
        if look.target != target:
            raise ValueError(f"a look at {look.target} is recorded with those of {target}")
    task = _Task(
        store,
        run,
        target,
        tuple(looks),
        looked_at,
        now,
        ref,
        changes or {},
        policy or Policy(),
        LazyHistory(history or (lambda _: {})),
    )
    for _ in range(_TRIES):
        with uncollected():
            recorded = task.attempt()
        if recorded is not None:
            return recorded
    raise StoreError(f"{target}: others kept recording at the same time; run again")


@dataclass(frozen=True, slots=True)
class _Task:
    """One call of `record`."""

    store: Store
    run: int
    target: str
    looks: tuple[Look, ...]
    looked_at: datetime
    now: datetime
    ref: str
    changes: Mapping[str, TreeChange]
    policy: Policy
    history: LazyHistory

    def attempt(self) -> Recorded | None:
        """Reads, decides, writes; None if it must start again: somebody has recorded in between, or
        the decision wants to tell whose code it is."""
        with self.store.reading() as connection:
            state = load_target(connection, self.target, self.run)
            results = {look.scanner: self._result(look, state) for look in self.looks}
            if all(result == "already" for result in results.values()):
                return Recorded(self._rows(results))
            decision = self._decide(connection, state, results)
        if self.history.read():
            return None
        for hold in decision.holds:
            results[hold.scanner] = "held"
        with self.store.writing() as connection:
            held = connection.execute(
                update(targets)
                .where(targets.c.id == state.number, targets.c.version == state.version)
                .values(version=state.version + 1)
            )
            if not held.rowcount:
                return None
            self._write(connection, state, results, decision)
        return Recorded(
            self._rows(results),
            tuple(item.id for item in decision.opened),
            tuple(item.id for item in decision.findings if item.reopened),
            tuple(item.id for item in decision.findings if item.state is State.RESOLVED),
            decision.regressions,
        )

    def _result(self, look: Look, state: TargetState) -> str:
        done = state.recorded.get(look.scanner)
        if done is not None and (done != "failed" or not _conclusive(look)):
            return "already"
        before = state.heads.get(look.scanner)
        if before is None or before.looked_at < self.looked_at:
            return "recorded"
        same_run = state.head_runs[look.scanner] == self.run
        return "recorded" if same_run and before.looked_at == self.looked_at else "superseded"

    def _decide(
        self, connection: Connection, state: TargetState, results: Mapping[str, str]
    ) -> Decision:
        present = load_present(connection, state.number)
        sights = []
        facts = load_facts(connection, state.number, {look.scanner for look in self.looks})
        for look in self.looks:
            if results[look.scanner] == "recorded":
                before = state.heads.get(look.scanner)
                change = self._change(before, look)
                sights.append(
                    sight(
                        look,
                        before,
                        present,
                        change,
                        self.history,
                        renames=self.policy.renames,
                        facts=facts.get(look.scanner, NONE_KNOWN),
                    )
                )
        fresh = [item for one in sights for item in one.matching.fresh]
        formerly = self.policy.renames.formerly(fresh)
        gone = load_gone(connection, state.number, [*fresh, *formerly])
        known: Mapping[str, KnownFinding] = {}
        scene = Scene(
            self.looked_at, new_waiver_id, self.target, state.labels, reaches=state.reaches
        )
        if self.policy.honour_inline or not all(one.quiet for one in sights):
            known = load_findings(connection, state.number, [*present, *gone])
            accepted = load_acceptances(connection, state.number, self.target, state.labels)
            scene = replace(scene, accepted=accepted, history=self.history)
        parted = load_partings(connection, state.number) if known else ()
        return decide(sights, present, gone, known, new_finding_id, self.policy, scene, parted)

    def _change(self, before: Head | None, look: Look) -> TreeChange | None:
        if before is None or not before.revision:
            return None
        if before.revision in self.changes:
            return self.changes[before.revision]
        return TreeChange() if before.revision == look.revision else None

    def _write(
        self,
        connection: Connection,
        state: TargetState,
        results: Mapping[str, str],
        decision: Decision,
    ) -> None:
        holds = {hold.scanner: hold for hold in decision.holds}
        entries = []
        for look in self.looks:
            result = results[look.scanner]
            if result == "already":
                continue
            hold = holds.get(look.scanner)
            reason = ""
            if hold is not None:
                reason = f"held: {hold.lost} of {hold.lost + hold.shown} findings are gone"
            elif result == "superseded":
                reason = f"not recorded: run {state.head_runs[look.scanner]} looked later"
            entries.append(
                Entry(
                    look,
                    result,
                    reason,
                    state.heads.get(look.scanner),
                    hold.lost if hold else 0,
                    moves_head=result != "superseded",
                )
            )
            if _conclusive(look) and state.recorded.get(look.scanner) == "failed":
                withdraw_lost_coverage(
                    connection, run=self.run, target=state.number, scanner=look.scanner
                )
        visit = Visit(self.run, state.number, self.ref, self.looked_at, self.now)
        write_looks(connection, visit, entries)
        believed = [entry.look for entry in entries if entry.result == "recorded"]
        write_links(connection, state.number, believed, self.now)
        write_memories(connection, state.number, believed)
        write_decision(
            connection,
            decision,
            run=self.run,
            target=state.number,
            at=self.looked_at,
            now=self.now,
        )

    def _rows(self, results: Mapping[str, str]) -> tuple[RecordedRow, ...]:
        return tuple(
            RecordedRow(look.scanner, outcome_of(look), results[look.scanner])
            for look in self.looks
        )


def _conclusive(look: Look) -> bool:
    return outcome_of(look) != "failed"
