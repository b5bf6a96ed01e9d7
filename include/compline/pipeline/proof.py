"""What proves a finding: witness by witness the statement, the reports behind it, run and key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compline.codec import dump_observation
from compline.evidence.locker import EvidenceMissing, Locker
from compline.evidence.statement import Statement, read_statement
from compline.model import Observation
from compline.pipeline.session import Session
from compline.store.findings import get_finding
from compline.store.proofs import WitnessLook, witness_looks


@dataclass(frozen=True)
class Proof:
    """One witness's evidence."""

    look: WitnessLook
    statement: str
    """Digest of the look's statement; empty if there is none to be had."""
    said: Observation | None
    """What the statement says of the finding."""
    reports: tuple[str, ...]
    """Digests of the reports and answers behind the statement."""
    trouble: str
    """Why the proof is not whole; empty if it is."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        look = self.look
        return {
            "scanner": look.scanner,
            "state": look.state,
            "rule": look.observation.rule,
            "run": look.run,
            "first_run": look.first_run,
            "revision": look.revision,
            "looked_at": look.looked_at.isoformat() if look.looked_at else None,
            "tool_version": look.tool_version,
            "advisory_date": look.advisory_date,
            "scan_key": (
                {"digest": look.scan_key.digest, **asdict(look.scan_key)} if look.scan_key else None
            ),
            "statement": self.statement,
            "said": None if self.said is None else plain(self.said),
            "reports": list(self.reports),
            "manifest": look.manifest,
            "manifest_digest": look.manifest_digest,
            "trouble": self.trouble,
        }


def prove(session: Session, finding: str) -> tuple[Proof, ...]:
    """The proofs of a finding, the eldest witness first.

    Raises:
        StoreError: there is no such finding.
        EvidenceUnavailable: the locker cannot be reached.
    """
    found = get_finding(session.store, finding)
    read: dict[tuple[str, ...], _Read] = {}
    proofs = []
    for look in witness_looks(session.store, found.id):
        if look.evidence not in read:
            read[look.evidence] = _read(session.evidence, look.evidence)
        proofs.append(_proof(look, read[look.evidence]))
    return tuple(proofs)


def plain(observation: Observation) -> dict[str, Any]:
    """An observation as plain JSON."""
    value: dict[str, Any] = json.loads(dump_observation(observation))
    return value


@dataclass(frozen=True)
class _Read:
    """The documents of one look, as far as they can be had."""

    digest: str
    statement: Statement | None
    reports: tuple[str, ...]
    missing: Mapping[str, str]
    """Digest to what is wrong with it."""


def _read(locker: Locker, digests: Iterable[str]) -> _Read:
    found, digest, reports, missing = None, "", [], {}
    for each in digests:
        try:
            statement = read_statement(locker.get(each))
        except (EvidenceMissing, ValueError) as error:
            missing[each] = str(error)
            continue
        if statement is None:
            reports.append(each)
        else:
            found, digest = statement, each
    return _Read(digest, found, tuple(reports), missing)


def _proof(look: WitnessLook, read: _Read) -> Proof:
    said = _find(look.observation, read.statement) if read.statement else None
    trouble = "; ".join(read.missing.values())
    if not trouble and not look.evidence:
        trouble = "no evidence was kept of its look"
    elif not trouble and read.statement is None:
        trouble = "it is from before statements were kept"
    elif not trouble and said is None:
        trouble = "the statement does not hold it: it was last seen by another look"
    return Proof(look, read.digest, said, read.reports, trouble)


def _find(observation: Observation, statement: Statement) -> Observation | None:
    """The statement's words about a witness: the very same, else those about the same code."""
    same = [
        each
        for each in statement.completed.observations
        if (each.rule, each.subject) == (observation.rule, observation.subject)
    ]
    for each in same:
        if each == observation:
            return each
    return next(
        (
            each
            for each in same
            if each.place.path == observation.place.path
            and each.fingerprints == observation.fingerprints
        ),
        None,
    )
