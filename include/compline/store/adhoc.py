"""Runs beside the tracked ref: their own result, which opens nothing, closes nothing, tells nobody.

What a run at another revision or address sees is put beside the target's findings: known in the
tracked ref, or new against it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from compline.codec import dump_observation, load_observation
from compline.findings.change import TreeChange
from compline.findings.correlate import Sighting, correlate
from compline.findings.known import KnownWitness
from compline.findings.renames import RuleRenames
from compline.findings.sights import sight
from compline.model import Completed, Look, Observation, Target
from compline.store.bulk import insert_rows
from compline.store.handle import Store
from compline.store.ledger_rows import Entry, Visit, outcome_of, write_looks
from compline.store.load import TargetState, load_partings, load_present, load_target
from compline.store.schema import run_observations
from compline.store.targets import ensure_adhoc


@dataclass(frozen=True, slots=True)
class AdHocResult:
    """What an ad hoc run saw."""

    new: tuple[Observation, ...]
    """Not in the tracked ref."""
    known: tuple[tuple[str, Observation], ...]
    """(finding id, observation)."""


def record_adhoc(
    store: Store,
    run: int,
    target: Target,
    looks: Sequence[Look],
    *,
    now: datetime,
    changes: Mapping[str, TreeChange] | None = None,
    renames: RuleRenames | None = None,
) -> AdHocResult:
    """Keeps the looks as the run's own result.

    Args:
        store: where.
        run: the ad hoc run.
        target: what was scanned; one that is not listed is kept apart from those that are.
        looks: one per scanner; one that the run has recorded already is left out.
        now: the time of the look and of writing.
        changes: as for `record`, from the tracked ref's last looks to what was scanned now.
        renames: rules that have another name now.
    """
    with store.writing() as connection:
        number = ensure_adhoc(connection, target, now)
        state = load_target(connection, target.name, run)
        todo = [
            look
            for look in looks
            if state.recorded.get(look.scanner) is None
            or (state.recorded[look.scanner] == "failed" and outcome_of(look) != "failed")
        ]
        present = load_present(connection, number)
        parted = load_partings(connection, number)
        seen = _classify(state, present, todo, changes or {}, renames, parted)
        entries = [Entry(look, "adhoc", moves_head=False) for look in todo]
        if entries:
            write_looks(connection, Visit(run, number, "", now, now), entries)
        rows = [
            {
                "run_id": run,
                "target_id": number,
                "scanner": observation.scanner,
                "number": place,
                "finding_id": finding or None,
                "observation": dump_observation(observation).decode(),
            }
            for place, (finding, observation) in enumerate(seen)
        ]
        insert_rows(connection, run_observations, rows)
    return _result(seen)


def read_adhoc(connection: Connection, run: int) -> AdHocResult:
    """What an ad hoc run saw, over all its targets."""
    query = (
        select(run_observations.c.finding_id, run_observations.c.observation)
        .where(run_observations.c.run_id == run)
        .order_by(
            run_observations.c.target_id,
            run_observations.c.scanner,
            run_observations.c.number,
        )
    )
    return _result(
        [
            (finding or "", load_observation(observation))
            for finding, observation in connection.execute(query)
        ]
    )


def _classify(
    state: TargetState,
    present: Sequence[KnownWitness],
    looks: Sequence[Look],
    changes: Mapping[str, TreeChange],
    renames: RuleRenames | None,
    parted: Collection[tuple[str, str]],
) -> list[tuple[str, Observation]]:
    """Each observation with the finding that it is in the tracked ref, empty if it is none."""
    found: list[tuple[str, Observation]] = []
    fresh: list[Observation] = []
    for look in looks:
        if not isinstance(look.outcome, Completed):
            continue
        before = state.heads.get(look.scanner)
        change = changes.get(before.revision) if before else None
        matching = sight(look, before, present, change, renames=renames).matching
        found += [(witness.finding, observation) for witness, observation in matching.pairs]
        fresh += matching.fresh
    sightings = [Sighting(witness.observation, witness.finding) for witness in present]
    sightings += [Sighting(observation) for observation in fresh]
    for group in correlate(sightings, parted):
        names = sorted({sightings[index].finding for index in group} - {""})
        for index in group:
            if index >= len(present):
                found.append((names[0] if names else "", sightings[index].observation))
    return found


def _result(seen: Sequence[tuple[str, Observation]]) -> AdHocResult:
    return AdHocResult(
        tuple(observation for finding, observation in seen if not finding),
        tuple((finding, observation) for finding, observation in seen if finding),
    )
