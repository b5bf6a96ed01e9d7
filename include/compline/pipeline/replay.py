"""Says again what a run said, from evidence alone, and holds it against what was recorded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compline.codec import (
    dump_completed,
    dump_gaps,
    dump_observation,
    load_completed,
    load_observation,
)
from compline.evidence.locker import EvidenceMissing
from compline.evidence.replaying import differences, whole
from compline.evidence.statement import Statement, read_statement
from compline.findings.facts import differing
from compline.model import Completed, Observation
from compline.pipeline.imports import settings_of
from compline.pipeline.session import Session
from compline.scanners.rereading import reread
from compline.store.proofs import look_evidence
from compline.store.recorded import RecordedLook, recorded_looks
from compline.store.runs import get_run
from compline.targets.listed import Listed


@dataclass(frozen=True)
class Replayed:
    """What became of one look."""

    target: str
    scanner: str
    verdict: str
    """`same`, `different`, `cannot` (nothing to replay it from) or `nothing` (it said nothing)."""
    compared: tuple[str, ...] = ()
    """With what the statement was compared."""
    differences: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    """What could not be done, and why; a look that is the same may still have some."""
    observations: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def replay(session: Session, run: int) -> tuple[Replayed, ...]:
    """Replays every look of a run.

    The statement of each look is read from the locker and compared with its ledger row and with
    what was recorded; the reports behind it are read again by the adapters that read them first,
    as far as they were kept.

    Raises:
        StoreError: there is no such run.
        EvidenceUnavailable: the locker cannot be reached.
    """
    view = get_run(session.store, run)
    settings = {target.name: target.settings for target in Listed().discover(session.config)}
    evidence: dict[int, Mapping[tuple[str, str], tuple[str, ...]]] = {}
    found = []
    for look in recorded_looks(session.store, view.id):
        if look.run not in evidence:
            evidence[look.run] = look_evidence(session.store, look.run)
        digests = evidence[look.run].get((look.target, look.scanner), ())
        found.append(_replay(session, look, digests, settings.get(look.target, {})))
    return tuple(found)


def summary(found: Iterable[Replayed]) -> Counter[str]:
    """How many looks came to which verdict."""
    return Counter(each.verdict for each in found)


def _replay(
    session: Session, look: RecordedLook, digests: Iterable[str], settings: Mapping[str, Any]
) -> Replayed:
    if look.outcome != "completed":
        reason = f"{look.outcome}: {look.reason}"
        return Replayed(look.target, look.scanner, "nothing", cannot=(reason,))
    statement, documents, missing = _documents(session, digests)
    if statement is None:
        reasons = tuple(missing) or ("it is from before statements were kept",)
        return Replayed(look.target, look.scanner, "cannot", cannot=reasons)
    compared = ["ledger"]
    told = list(_against_ledger(look, statement))
    said = statement.completed.observations
    if look.recorded is not None:
        compared.append(look.where)
        honoured = session.config.ignore.honour_inline and look.where == "witnesses"
        shown = [each for each in said if not (honoured and each.suppression)]
        told += differences(shown, _masked(session, look.recorded), whole)
        told += _facts(session, statement, look)
    else:
        missing.append("later looks have changed its witnesses")
    again = reread(look.scanner, said, documents, settings, settings_of(session))
    if again.cannot:
        missing.append(again.cannot)
    else:
        compared.append(again.how)
        told += again.differences
    verdict = "different" if told else "same"
    return Replayed(
        look.target,
        look.scanner,
        verdict,
        tuple(compared),
        tuple(told),
        tuple(missing),
        len(said),
    )


def _documents(
    session: Session, digests: Iterable[str]
) -> tuple[Statement | None, list[bytes], list[str]]:
    """The statement, the other documents, and what is wrong with the rest."""
    found, documents, missing = None, [], []
    for digest in digests:
        try:
            content = session.evidence.get(digest)
            statement = read_statement(content)
        except (EvidenceMissing, ValueError) as error:
            missing.append(str(error))
            continue
        if statement is None:
            documents.append(content)
        else:
            found = statement
    return found, documents, missing


def _against_ledger(look: RecordedLook, statement: Statement) -> Iterator[str]:
    gaps = statement.completed.gaps
    digest = hashlib.sha256(dump_gaps(gaps)).hexdigest() if gaps else ""
    pairs = {
        "target": (statement.target, look.target),
        "scanner": (statement.scanner, look.scanner),
        "revision": (statement.revision, look.revision),
        "scan key": (statement.scan_key, look.scan_key),
        "number of observations": (len(statement.completed.observations), look.observations),
        "gaps": (digest, look.gap_set),
    }
    for name, (said, recorded) in pairs.items():
        if said != recorded:
            yield f"{name}: {said} in the statement, {recorded} in the ledger"


def _facts(session: Session, statement: Statement, look: RecordedLook) -> Iterator[str]:
    """Where the statement's facts are not those that stand, but for what lay in its gaps."""
    if look.facts is None:
        return
    gaps = statement.completed.gaps
    recorded = dump_completed(Completed((), facts=look.facts))
    there = [
        fact
        for fact in load_completed(session.evidence.masking.document(recorded)).facts
        if fact in statement.completed.facts
        or not any(gap.covers(fact.subject, fact.subject) for gap in gaps)
    ]
    for text in differing(statement.completed.facts, there)[:5]:
        yield f"fact {text} recorded"


def _masked(session: Session, observations: Iterable[Observation]) -> list[Observation]:
    """As they are in evidence: the pass that went over the statement goes over these."""
    masking = session.evidence.masking
    return [load_observation(masking.document(dump_observation(each))) for each in observations]
