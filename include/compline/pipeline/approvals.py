"""What production serves since this look, held against the decisions of the gate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from compline.evidence.chain import said_in
from compline.evidence.decision import NoDecision, decision_of
from compline.evidence.locker import EvidenceMissing
from compline.findings.approvals import Word, approval_of
from compline.findings.facts import NOTHING
from compline.findings.gate import GateVerdict
from compline.model import Completed, Fact, Look, Target
from compline.pipeline.gate_decisions import KIND
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session
from compline.store.facts import known_values
from compline.store.manifests import manifest_rows


def with_approvals(session: Session, target: Target, look: Look) -> Look:
    """The look with what the gate says of each move of a production alias.

    A move that was approved is kept as a note of the look, and so in the ledger and the chain.
    Decisions are read only where an alias has moved.

    Raises:
        EvidenceUnavailable: the locker cannot be reached.
        StoreError: the store cannot be read.
    """
    outcome = look.outcome
    if not isinstance(outcome, Completed):
        return look
    serving = {f.subject: f.served for f in outcome.facts if f.served is not None}
    if not serving:
        return look
    before = known_values(session.store, target.name, look.scanner)
    moved = {
        fact.subject: (fact, serving[fact.subject])
        for fact in outcome.facts
        if fact.subject in serving and before.get(fact.subject) != fact.value
    }
    if not moved or not before:  # a first look tells of no move
        return look
    days = session.config.gate.of(dict(target.labels)).approval_days
    since = session.now() - timedelta(days=days)
    asked = {(served.model, served.version) for _, served in moved.values()}
    words = _words(session, target.name, asked, since)
    approvals = {name: approval_of(served, words) for name, (_, served) in moved.items()}

    def judged(fact: Fact) -> Fact:
        found = approvals.get(fact.subject) if fact.served is not None else None
        return fact if found is None else replace(fact, approval=found)

    notes = [
        f"{name}: from {before.get(name, NOTHING)} to {fact.value}, {approvals[name].words}"
        for name, (fact, _) in sorted(moved.items())
        if approvals[name].holds
    ]
    for note in notes:
        session.report(Progress("gate", f"{target.name}: {note}", "✓"))
    told = replace(outcome, facts=tuple(map(judged, outcome.facts)))
    return replace(look, outcome=told, warnings=(*look.warnings, *notes))


def _words(
    session: Session, target: str, asked: Collection[tuple[str, str]], since: datetime
) -> list[Word | None]:
    """Decisions about these versions, the newest first; None for one that nobody can read."""
    found: list[Word | None] = []
    for row in reversed(manifest_rows(session.store)):
        if row.kind != KIND or row.at < since:
            continue
        try:
            head = said_in(session.evidence.get_manifest(row.number, row.digest))
            if (head["model"], head["version"]) not in asked:
                continue
            said = decision_of(session.evidence.get(str(head["decision"]))).said
            if said["target"]["name"] == target:
                found.append(
                    Word(
                        str(head["decision"]),
                        str(said["model"]),
                        str(said["version"]),
                        str(said["digest"]),
                        GateVerdict(said["verdict"]),
                        datetime.fromisoformat(said["at"]),
                    )
                )
        except (EvidenceMissing, NoDecision, ValueError, KeyError, TypeError):
            found.append(None)
    return found
