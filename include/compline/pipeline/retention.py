"""Retention: evidence that is old and that nothing stands on goes; manifests and decisions stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from compline.evidence.locker import Locker
from compline.pipeline.gate_decisions import kept_digests
from compline.pipeline.manifest import add_link
from compline.pipeline.session import Session
from compline.store.retention import evidence_by_look, standing_looks, young_runs

_NEW = timedelta(days=2)
"""A document put so lately may belong to a run that has recorded nothing yet."""


@dataclass(frozen=True)
class Pruned:
    """What retention has done, or would do."""

    removed: tuple[str, ...]
    """Digests of what was evidence."""
    unclaimed: int
    """Documents that no recorded look ever named: of runs that were killed."""
    kept: int
    """Documents that stay."""


def prune_evidence(session: Session, *, dry_run: bool = False) -> Pruned:
    """Removes what `evidence.keep_days` and `keep_runs` let go.

    What is removed is first written into the chain: then its absence is no tampering. Killed in
    between, the next time removes the rest.

    Raises:
        EvidenceUnavailable: the locker cannot be reached.
    """
    settings, now = session.config.evidence, session.now()
    looks = evidence_by_look(session.store)
    since = now - timedelta(days=settings.keep_days)
    young = young_runs(session.store, since, settings.keep_runs)
    standing = standing_looks(session.store, young)
    kept: set[str] = set(kept_digests(session))
    named: set[str] = set()
    for look, digests in looks.items():
        named |= digests
        if look[0] in young or look in standing:
            kept |= digests
    there = set(session.evidence.digests())
    old = {digest for digest in there - kept if _is_old(session.evidence, digest, session)}
    removed = sorted(old & named)
    unclaimed = old - named
    if not dry_run:
        if removed:
            policy = {"keep_days": settings.keep_days, "keep_runs": settings.keep_runs}
            add_link(session, "prune", None, {"removed": removed, "policy": policy})
        for digest in (*removed, *unclaimed):
            session.evidence.remove(digest)
    return Pruned(tuple(removed), len(unclaimed), len(there) - len(old))


def _is_old(locker: Locker, digest: str, session: Session) -> bool:
    written = locker.written(digest)
    return written is not None and session.now() - written > _NEW
