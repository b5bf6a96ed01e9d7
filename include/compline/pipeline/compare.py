"""The difference of two runs: from events for looks at tracked heads, else from statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compline.evidence.locker import EvidenceMissing
from compline.evidence.statement import Statement, read_statement
from compline.findings.comparison import About, Comparison, Difference, Moved, causes_of, compare
from compline.findings.facts import differing
from compline.findings.known import KnownWitness, WitnessState
from compline.findings.matching import match
from compline.model import Observation
from compline.pipeline.request import BadRequest, Request
from compline.pipeline.session import Session
from compline.store.history import bases, changed_facts, happenings
from compline.store.ledger import LedgerRow, coverage
from compline.store.runs import RunView, get_run


@dataclass(frozen=True)
class RunDiff:
    """Two runs side by side."""

    before: RunView
    after: RunView
    by: str
    """`events`, or `statements` where one of them looked beside the tracked ref."""
    comparison: Comparison
    notes: tuple[str, ...] = ()
    """What could not be compared, and why."""
    facts: tuple[str, ...] = ()
    """Permissions that were widened and models that changed, with what they were and are."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "before": self.before.id,
            "after": self.after.id,
            "by": self.by,
            "differences": [asdict(one) for one in self.comparison.differences],
            "looks": [asdict(one) for one in self.comparison.moved],
            "notes": list(self.notes),
            "facts": list(self.facts),
        }


def compare_runs(session: Session, first: int, second: int) -> RunDiff:
    """What differs from the earlier to the later of two runs.

    Raises:
        StoreError: there is no such run.
        BadRequest: both are one, or one is not finished.
    """
    if first == second:
        raise BadRequest("give two runs: a run does not differ from itself")
    before, after = (get_run(session.store, run) for run in sorted((first, second)))
    for run in (before, after):
        if run.finished is None:
            raise BadRequest(f"run {run.id} is not finished")
    if _tracked(before) and _tracked(after):
        events, about = happenings(session.store, before.id, after.id)
        found = compare(
            events,
            about,
            bases(session.store, before.id),
            bases(session.store, after.id),
            since=before.id,
        )
        told = changed_facts(session.store, before.id, after.id)
        return RunDiff(before, after, "events", found, facts=told)
    return _by_statements(session, before, after)


def _tracked(run: RunView) -> bool:
    """Whether the run looked at tracked heads; a person's decision is about those too."""
    try:
        return Request.from_json(run.parameters).tracked
    except KeyError:
        return True


def _by_statements(session: Session, before: RunView, after: RunView) -> RunDiff:
    """Holds what both runs said of the same target side by side; ids of findings take no part."""
    old = {(row.target, row.scanner): row for row in coverage(session.store, before.id)}
    new = {(row.target, row.scanner): row for row in coverage(session.store, after.id)}
    differences: list[Difference] = []
    moved: list[Moved] = []
    notes, facts = [], []
    for key in sorted(old.keys() | new.keys()):
        rows = old.get(key), new.get(key)
        name = "/".join(key)
        said = [None if row is None else _statement(session, row) for row in rows]
        if said[0] is None or said[1] is None:
            run = before.id if said[0] is None else after.id
            notes.append(f"{name}: run {run} has no statement of it")
            continue
        changed = differing(said[0].completed.facts, said[1].completed.facts)
        facts += [f"{key[0]}: {one}" for one in changed]
        causes = _causes(rows[0], rows[1], said[0], said[1])
        differences += _differences(said[0], said[1], causes)
        if causes:
            moved.append(Moved(*key, causes, None, None))
    return RunDiff(
        before,
        after,
        "statements",
        Comparison(tuple(differences), tuple(moved)),
        tuple(notes),
        tuple(facts),
    )


def _statement(session: Session, row: LedgerRow) -> Statement | None:
    for digest in row.evidence:
        try:
            found = read_statement(session.evidence.get(digest))
        except (EvidenceMissing, ValueError):
            continue
        if found is not None:
            return found
    return None


def _causes(
    old: LedgerRow | None, new: LedgerRow | None, before: Statement, after: Statement
) -> tuple[str, ...]:
    parts = []
    if before.revision != after.revision:
        parts.append("code")
    if old is not None and new is not None and old.scan_key != new.scan_key:
        dated = before.advisory_date != after.advisory_date
        parts.append("advisories" if dated else "rules")
    return causes_of("+".join(parts))


def _differences(before: Statement, after: Statement, causes: tuple[str, ...]) -> list[Difference]:
    known = [
        KnownWitness(number, "", WitnessState.SEEN, observation)
        for number, observation in enumerate(before.completed.observations)
    ]
    matching = match(known, after.completed.observations)
    found = [_one("opened", after.target, each, causes) for each in matching.fresh]
    found += [
        _one(
            "changed", after.target, now, causes, f"severity from {then.severity} to {now.severity}"
        )
        for then, now in ((witness.observation, now) for witness, now in matching.pairs)
        if then.severity is not now.severity
    ]
    found += [
        _one("resolved", after.target, witness.observation, causes)
        for witness in matching.missing
        if not _in_gap(witness.observation, after)
    ]
    return found


def _in_gap(observation: Observation, statement: Statement) -> bool:
    return any(
        gap.covers(observation.place.path, observation.subject) for gap in statement.completed.gaps
    )


def _one(
    what: str, target: str, observation: Observation, causes: tuple[str, ...], *steps: str
) -> Difference:
    place = observation.place
    where = f"{observation.scanner}:{observation.rule}@{place.path}:{place.line or ''}"
    about = About(target, observation.title, observation.severity)
    return Difference(where, what, causes or ("other",), about, steps)


def counts(found: Comparison) -> Mapping[str, Mapping[str, int]]:
    """How many differences of each sort, by cause; one with two causes counts in both."""
    return {
        what: {
            cause: len(found.of(what, cause)) for cause in ("code", "rules", "advisories", "other")
        }
        for what in ("opened", "resolved", "changed")
    }
