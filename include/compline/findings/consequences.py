"""What follows from settled findings: waivers begin and end, deadlines run, first looks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from compline.findings.acceptance import Standing, comment_waiver, judge
from compline.findings.deadlines import due_at
from compline.findings.decision import Decision, FindingChange, NewFinding, Urgency
from compline.findings.facts import TOLD
from compline.findings.known import KnownFinding, KnownWitness, WitnessState
from compline.findings.news import OF_FINDINGS
from compline.findings.policy import Policy
from compline.findings.regressions import (
    Regression,
    baseline,
    waiver_voided,
)
from compline.findings.risk import risk
from compline.findings.scene import Scene
from compline.findings.sights import Sight
from compline.findings.waivers import VOIDED, Waiver
from compline.model import Completed, Observation, Severity, State

_OF_FINDINGS = OF_FINDINGS | TOLD


def standing_after(
    decision: Decision,
    present: Sequence[KnownWitness],
    gone: Sequence[KnownWitness],
    findings: Mapping[str, KnownFinding],
    *,
    all_comments: bool,
) -> tuple[Standing, ...]:
    """The open findings of which anything has changed, as they are now.

    Args:
        decision: about witnesses and findings.
        present: what was known before, as for `decide`.
        gone: likewise.
        findings: likewise.
        all_comments: whether also those count whose code holds a comment that asks to ignore them.
    """
    into = dict(decision.merged)
    changes = {item.id: item for item in decision.witnesses}
    severities = {item.id: item.severity for item in decision.opened}
    severities |= {item.id: item.severity for item in decision.findings}
    resolved = {item.id for item in decision.findings if item.state is State.RESOLVED}
    wanted = {*severities, *(new.finding for new in decision.added), *into.values()}
    said: dict[str, list[Observation]] = defaultdict(list)
    for witness in (*present, *gone):
        finding = into.get(witness.finding, witness.finding)
        state, observation = witness.state, witness.observation
        change = changes.get(witness.id)
        if change is not None:
            state, observation = change.state, change.observation or observation
            wanted.add(finding)
        if state is not WitnessState.GONE:
            said[finding].append(observation)
            if all_comments and observation.suppression:
                wanted.add(finding)
    for new in decision.added:
        said[new.finding].append(new.observation)
    return tuple(
        Standing(
            name,
            severities[name] if name in severities else findings[name].severity,
            tuple(said[name]),
        )
        for name in sorted(wanted - resolved - set(into))
        if said.get(name)
    )


def with_waivers(
    decision: Decision, standing: Sequence[Standing], policy: Policy, scene: Scene
) -> Decision:
    """The decision with what becomes of waivers; what they cover is told to nobody."""

    def comments(one: Standing) -> Waiver:
        return comment_waiver(one, scene.new_waiver(), policy.waivers, scene.at, scene.history)

    changes = judge(
        standing,
        scene.accepted,
        policy.waivers,
        scene.at,
        comments if policy.honour_inline else None,
    )
    told = [
        item
        for item in decision.regressions
        if not (item.kind in _OF_FINDINGS and item.subject in changes.in_force)
    ]
    named = {item.subject for item in told}
    by_name = {one.finding: one for one in standing}
    for finding, why in changes.lapsed:
        if finding not in named:
            told.append(_lapsed(by_name[finding], scene.target, VOIDED[why]))
    return replace(decision, regressions=tuple(told), waivers=changes)


def with_urgency(
    decision: Decision,
    standing: Sequence[Standing],
    findings: Mapping[str, KnownFinding],
    policy: Policy,
    scene: Scene,
) -> Decision:
    """The decision with risk and deadline of everything that has changed."""
    days = policy.deadlines.days_for(scene.labels)
    exposed = policy.risk.exposed(scene.labels, scene.reaches)
    reopened = {item.id for item in decision.findings if item.reopened}
    risks = {
        one.finding: risk(
            one.severity,
            sorted({alias for item in one.observations for alias in item.aliases}),
            exposed,
            policy.risk,
        )
        for one in standing
    }
    urgencies = []
    for one in standing:
        known = findings.get(one.finding)
        if known is None:
            continue
        opened = known.opened_at or known.first_seen
        due = due_at(scene.at if one.finding in reopened else opened, one.severity, days)
        if (risks[one.finding], due) != (known.risk, known.due_at):
            urgencies.append(Urgency(one.finding, risks[one.finding], due))
    opened_now = tuple(
        replace(item, risk=risks[item.id], due_at=due_at(scene.at, item.severity, days))
        for item in decision.opened
    )
    return replace(decision, opened=opened_now, urgencies=tuple(urgencies))


def with_baseline(decision: Decision, sights: Sequence[Sight]) -> Decision:
    """The decision with one summary of what first looks have opened, or found again."""
    first = [
        item.look for item in sights if item.baseline and isinstance(item.look.outcome, Completed)
    ]
    if not first:
        return decision
    apart = decision.waivers.in_force | {item.subject for item in decision.regressions}
    back = tuple(item for item in decision.findings if item.reopened)
    there: tuple[NewFinding | FindingChange, ...] = (*decision.opened, *back)
    severities: Counter[Severity] = Counter(item.severity for item in there if item.id not in apart)
    summary = baseline(first[0].target, [look.scanner for look in first], severities)
    if summary is None:
        return decision
    return replace(decision, regressions=(*decision.regressions, summary))


def _lapsed(one: Standing, target: str, why: str) -> Regression:
    first = one.observations[0]
    return waiver_voided(target, first.scanner, one.finding, one.severity, first.title, why)
