"""Evidence on its way into the locker: a statement for each look, a manifest for each run."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, replace
from typing import Any

from compline.evidence.chain import Link, make_link, said_in
from compline.evidence.locker import EvidenceMissing, Locker
from compline.evidence.signing import Signer
from compline.evidence.statement import statement
from compline.model import Completed, Look
from compline.pipeline.session import Session
from compline.store.engine import StoreError
from compline.store.manifests import (
    append_manifest,
    decisions_without_manifest,
    is_manifest,
    last_manifest,
    stated,
)

_TRIES = 200
"""How often a link is made anew; each time somebody else has added one."""


def with_statement(locker: Locker, look: Look) -> Look:
    """The look with its statement put before its reports; of what did not complete there is none.

    Raises:
        EvidenceUnavailable: it cannot be kept, and so nothing may be recorded that rests on it.
    """
    if not isinstance(look.outcome, Completed):
        return look
    digest = locker.put(statement(look, look.outcome))
    return replace(look, evidence=(digest, *look.evidence))


def write_manifest(session: Session, run: int, result: str) -> None:
    """Adds the run's link to the chain, unless the run's last one says the same already.

    It is written before the run is finished: a finished run without one was tampered with.

    Raises:
        StoreError: too many others add links at the same time.
        EvidenceUnavailable: the manifest cannot be kept.
        SecretMissing: the signing key is not there.
        SigningKeyUnusable: it is none.
    """
    said = stated(session.store, run, result)
    last = last_manifest(session.store, run)
    if last is not None:
        try:
            if said_in(session.evidence.get_manifest(last.number, last.digest)) == said:
                return
        except (EvidenceMissing, ValueError):
            # It was tampered with, which `evidence verify` tells; the run gets a whole one.
            pass
    add_link(session, "run", run, said)


def write_decisions(session: Session) -> None:
    """Adds the links of what people have decided since the last time; raises as `write_manifest`.

    Nothing else is ever mended so: a scan's run is finished after its link, never before.
    """
    for run in decisions_without_manifest(session.store):
        write_manifest(session, run, "")


def add_link(session: Session, kind: str, run: int | None, said: dict[str, Any]) -> Link:
    """Adds a link; raises as `write_manifest` does."""
    signer = signer_of(session)
    for _ in range(_TRIES):
        row = last_manifest(session.store)
        before = None if row is None else link_of(row)
        link, content = make_link(before, kind, run, said, session.now(), signer)
        session.evidence.put_manifest(link.number, content)
        if append_manifest(session.store, **asdict(link)):
            return link
        if not is_manifest(session.store, link.number, link.digest):
            session.evidence.remove_manifest(link.number, link.digest)
        time.sleep(random.uniform(0, 0.02))  # noqa: S311 - only to be out of step with the others
    raise StoreError("the chain of manifests: others kept adding to it; run again")


def signer_of(session: Session) -> Signer | None:
    """Who signs, if the configuration names a key.

    Raises:
        SecretMissing: the key is not there.
        SigningKeyUnusable: it is none.
    """
    reference = session.config.evidence.signing_key
    return Signer.from_pem(session.secrets.resolve(reference)) if reference else None


def link_of(row: Any) -> Link:
    """A row of `manifests`."""
    return Link(
        row.number,
        row.kind,
        row.run_id,
        row.digest,
        row.previous,
        row.at,
        row.signature,
        row.signer,
    )
