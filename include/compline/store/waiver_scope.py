"""Puts waivers of a selector into force for findings that are open already, target by target.

From the moment when such a waiver is active, records apply it to whatever they touch. The findings
that stand are gone through afterwards, in short transactions; a mark in the waiver says that this
is not done yet, and the next run's start goes on with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from compline.findings.waivers import Waived, Waiver, WaiverPolicy, WaiverState, begin
from compline.model import Observation, Severity, State
from compline.store.handle import Store
from compline.store.load import PRESENT
from compline.store.rows import brief, in_chunks
from compline.store.schema import findings, targets, waivers, witnesses
from compline.store.waived import begin_holds, hold_targets, refresh_waived, waiver_of

UNDER_WAY = "under_way"
"""Key in a waiver's origin until all findings have been gone through."""
_TARGETS = 10
"""In one transaction."""
_ODD = frozenset('*?["\\')
"""What makes a rule more than the text that it is in an observation's JSON."""


def apply_selectors(
    store: Store, new: Sequence[Waiver], policy: WaiverPolicy, now: datetime
) -> Mapping[str, int]:
    """Goes through the open findings; gives how many each waiver holds of them, by its id."""
    counts: Counter[str] = Counter()
    with store.reading() as connection:
        fitting = _fitting(connection, new)
    for chunk in in_chunks(sorted(fitting), _TARGETS):
        with store.writing() as connection:
            # A record under way that has not seen the waivers starts again.
            hold_targets(connection, chunk)
            begun: list[Waived] = []
            for target, finding, severity, said in _candidates(connection, new, chunk):
                begun += [
                    begin(waiver.id, finding, severity.rank, said)
                    for waiver in fitting[target]
                    if waiver.selector.fits(said) and policy.allows(waiver, severity)
                ]
            begin_holds(connection, begun, now)
            refresh_waived(connection, {item.finding for item in begun})
        counts.update(item.waiver for item in begun)
    if new:
        with store.writing() as connection:
            _done(connection, [waiver.id for waiver in new])
    return counts


def finish_selectors(store: Store, policy: WaiverPolicy, now: datetime) -> None:
    """Goes on where somebody died while waivers were put into force."""
    active = select(waivers).where(
        waivers.c.state == WaiverState.ACTIVE.value, waivers.c.finding_id.is_(None)
    )
    with store.reading() as connection:
        left = [waiver_of(row) for row in connection.execute(active) if UNDER_WAY in row.origin]
    apply_selectors(store, left, policy, now)


def said_of(connection: Connection, names: Sequence[str]) -> dict[str, list[Observation]]:
    """What the present witnesses of these findings say, in brief."""
    said: dict[str, list[Observation]] = defaultdict(list)
    query = (
        select(witnesses.c.finding_id, witnesses.c.observation)
        .where(witnesses.c.finding_id.in_(names), witnesses.c.state.in_(PRESENT))
        .order_by(witnesses.c.id)
    )
    for finding, observation in connection.execute(query):
        said[finding].append(brief(observation))
    return said


def _fitting(connection: Connection, new: Sequence[Waiver]) -> dict[int, list[Waiver]]:
    """Target to the waivers whose selector fits it."""
    fitting: dict[int, list[Waiver]] = {}
    for row in connection.execute(select(targets.c.id, targets.c.name, targets.c.labels)):
        own = [waiver for waiver in new if waiver.selector.fits_target(row.name, row.labels)]
        if own:
            fitting[row.id] = own
    return fitting


def _candidates(
    connection: Connection, new: Sequence[Waiver], numbers: Sequence[int]
) -> Iterator[tuple[int, str, Severity, list[Observation]]]:
    """Open findings of these targets that may fit, with all that is said of them."""
    query = (
        select(findings.c.id, findings.c.target_id, findings.c.severity)
        .where(
            findings.c.target_id.in_(numbers),
            findings.c.state == State.OPEN.value,
            findings.c.merged_into.is_(None),
        )
        .order_by(findings.c.id)
    )
    rules = [rule for waiver in new for rule in waiver.selector.rules]
    if all(waiver.selector.rules for waiver in new) and not any(_ODD & set(one) for one in rules):
        named = or_(*(witnesses.c.observation.contains(one, autoescape=True) for one in rules))
        own = witnesses.c.finding_id == findings.c.id
        query = query.where(select(witnesses.c.id).where(own, named).exists())
    for chunk in in_chunks(connection.execute(query).all(), 1_000):
        said = said_of(connection, [row.id for row in chunk])
        for row in chunk:
            yield row.target_id, row.id, Severity(row.severity), said[row.id]


def _done(connection: Connection, names: Sequence[str]) -> None:
    rows = connection.execute(select(waivers.c.id, waivers.c.origin).where(waivers.c.id.in_(names)))
    for row in rows.all():
        if UNDER_WAY in row.origin:
            origin = {name: value for name, value in row.origin.items() if name != UNDER_WAY}
            connection.execute(update(waivers).where(waivers.c.id == row.id).values(origin=origin))
