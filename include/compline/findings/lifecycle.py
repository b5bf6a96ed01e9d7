"""What completed, skipped and failed looks do to a target's findings.

Only a completed look resolves, only what it covered, and never through a gap. A finding is open
while any witness is not gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from compline.findings.book import Book
from compline.findings.consequences import (
    standing_after,
    with_baseline,
    with_urgency,
    with_waivers,
)
from compline.findings.decision import Decision, Hold
from compline.findings.drops import (
    Gaps,
    changed_share,
    is_drop,
    released,
    same_method,
    unexplained,
)
from compline.findings.known import KnownFinding, KnownWitness, WitnessState
from compline.findings.matching import match
from compline.findings.news import with_facts
from compline.findings.policy import Policy as Policy
from compline.findings.regressions import (
    Regression,
    advisories_stale,
    canary_missed,
    coverage_lost,
    drop_held,
)
from compline.findings.scene import Scene
from compline.findings.sights import Sight, why
from compline.model import Completed, GapReason


def decide(
    sights: Sequence[Sight],
    present: Sequence[KnownWitness],
    gone: Sequence[KnownWitness],
    findings: Mapping[str, KnownFinding],
    new_id: Callable[[], str],
    policy: Policy,
    scene: Scene | None = None,
    parted: Collection[tuple[str, str]] = (),
) -> Decision:
    """What the looks change.

    Args:
        sights: the looks of one target, each matched with its present witnesses.
        present: all present witnesses of the target, of every scanner.
        gone: witnesses that are gone and may come back: those with the fingerprint or subject of
            an observation that matched nothing; the latest first.
        findings: all findings of the witnesses in `present` and `gone`.
        new_id: gives a permanent id that was never given before.
        policy: what the configuration says.
        scene: the time, the target's labels and waivers; without it nothing is waived, and no
            deadline runs.
        parted: pairs of findings that a person has told apart.
    """
    book = Book(present, gone, findings, parted)
    regressions: list[Regression | None] = []
    holds: list[Hold] = []
    for item in sights:
        into_gaps: list[str] = []
        if isinstance(item.look.outcome, Completed):
            for witness, observation in item.matching.pairs:
                book.see(witness, observation, item)
            into_gaps, hold = _missing(book, item, policy)
            if hold is not None:
                holds.append(hold)
                regressions.append(
                    drop_held(item.look, item.head, lost=hold.lost, shown=hold.shown)
                )
        known = sum(witness.observation.scanner == item.look.scanner for witness in present)
        regressions.append(
            coverage_lost(item.look, item.head, witnesses=known, into_gaps=into_gaps)
        )
        regressions.append(canary_missed(item.look, item.head))
        regressions.append(advisories_stale(item.look, item.head))
    for item in sights:
        own = [witness for witness in gone if witness.observation.scanner == item.look.scanner]
        back = match(own, item.matching.fresh, None, policy.renames, returning=True)
        for witness, observation in back.pairs:
            book.see(witness, observation, item)
        for observation in back.fresh:
            book.add(observation, item)
    settled = book.settle(new_id)
    told = tuple(regression for regression in regressions if regression is not None)
    decision = replace(settled, regressions=told + settled.regressions, holds=tuple(holds))
    decision = with_facts(decision, sights, present, gone)
    if scene is not None:
        standing = standing_after(
            decision, present, gone, findings, all_comments=policy.honour_inline
        )
        decision = with_waivers(decision, standing, policy, scene)
        decision = with_urgency(decision, standing, findings, policy, scene)
    return with_baseline(decision, sights)


def _missing(book: Book, item: Sight, policy: Policy) -> tuple[list[str], Hold | None]:
    """What the look does not show: in a gap, held, or gone. Gives the paths new in gaps."""
    outcome = item.look.outcome
    said = outcome.gaps if isinstance(outcome, Completed) else ()
    gaps = Gaps(said)
    renames = item.change.renames if item.change else {}
    into_gaps, lost = [], []
    # A report that is not said to be a whole look never promised to show them.
    promised = all(gap.reason is not GapReason.PARTIAL for gap in said)
    for witness in item.matching.missing:
        place, subject = witness.observation.place, witness.observation.subject
        path = renames.get(place.path, place.path)
        if gaps.cover(path, subject) or gaps.cover(place.path, subject):
            book.hide(witness, path, item)
            if witness.state is WitnessState.SEEN and promised:
                into_gaps.append(path)
        else:
            lost.append(witness)
    hold = None
    doubtful: set[int] = set()
    if item.head is not None and same_method(item.head.scan_key, item.look.scan_key):
        odd = unexplained(lost, item.change)
        changed = changed_share(item.look, item.head, item.change)
        number = len({witness.finding for witness in odd})
        if is_drop(odd, item.matching, changed, policy.hold) and not released(
            item.look, item.head, number
        ):
            doubtful = {witness.id for witness in odd}
            shown = len({witness.finding for witness, _ in item.matching.pairs})
            hold = Hold(item.look.scanner, number, shown)
    for witness in lost:
        if witness.id in doubtful:
            book.lose(witness, WitnessState.HELD, "", item)
        else:
            cause = why(item.look, item.head, witness.observation)
            book.lose(witness, WitnessState.GONE, cause, item)
    return into_gaps, hold
