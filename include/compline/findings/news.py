"""Tells changed facts, in the place of what a finding about the same subject would say of itself.

A grant beyond the policy is both: a permission that somebody has since last night, and a finding
that opens. People hear of it once, as what happened, with the finding's severity and thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from compline.findings.decision import Decision
from compline.findings.facts import FactChange, Told, compare_facts, regression_of
from compline.findings.known import KnownWitness, WitnessState
from compline.findings.regressions import Regression, RegressionKind
from compline.findings.sights import Sight, cause_of
from compline.model import Observation

OF_FINDINGS = frozenset(
    {RegressionKind.NEW, RegressionKind.REOPENED, RegressionKind.SEVERITY_RAISED}
)
"""What a finding says of itself."""

_About = Mapping[tuple[str, str], Sequence[tuple[str, Observation]]]


def with_facts(
    decision: Decision,
    sights: Sequence[Sight],
    present: Sequence[KnownWitness],
    gone: Sequence[KnownWitness],
) -> Decision:
    """The decision with what becomes of facts; those of a look that is held are left as they were.

    Args:
        decision: about witnesses and findings.
        sights: the looks.
        present: what was known before, as for `decide`.
        gone: likewise.
    """
    held = {hold.scanner for hold in decision.holds}
    changes: list[FactChange] = []
    told: list[tuple[Sight, Told]] = []
    for item in sights:
        if item.look.scanner not in held:
            changed, news = compare_facts(item.look, item.head, item.facts)
            changes += changed
            told += [(item, one) for one in news]
    if not told:
        return replace(decision, facts=tuple(changes)) if changes else decision
    about = _standing(decision, present, gone)
    own = {one.subject for one in decision.regressions if one.kind in OF_FINDINGS}
    said: set[str] = set()
    rows: list[Regression] = []
    for item, one in told:
        there = about.get((item.look.scanner, one.fact.subject), ())
        said |= {finding for finding, _ in there}
        lead = max(there, key=lambda each: (each[0] in own, each[1].severity.rank), default=None)
        finding = (lead[0], lead[1].severity, lead[1].title) if lead else None
        rows.append(regression_of(one, item.look, cause_of(item, None), finding))
    kept = [
        one for one in decision.regressions if not (one.kind in OF_FINDINGS and one.subject in said)
    ]
    return replace(decision, facts=tuple(changes), regressions=(*kept, *rows))


def _standing(
    decision: Decision, present: Sequence[KnownWitness], gone: Sequence[KnownWitness]
) -> _About:
    """Scanner and subject to the findings that stand from now on, with what is said of them."""
    into = dict(decision.merged)
    changes = {item.id: item for item in decision.witnesses}
    found: defaultdict[tuple[str, str], list[tuple[str, Observation]]] = defaultdict(list)
    for witness in (*present, *gone):
        state, observation = witness.state, witness.observation
        change = changes.get(witness.id)
        if change is not None:
            state, observation = change.state, change.observation or observation
        if state is not WitnessState.GONE and observation.subject:
            finding = into.get(witness.finding, witness.finding)
            found[observation.scanner, observation.subject].append((finding, observation))
    for new in decision.added:
        if new.observation.subject:
            key = new.observation.scanner, new.observation.subject
            found[key].append((new.finding, new.observation))
    return found
