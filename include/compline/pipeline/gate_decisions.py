"""Decisions of the promotion gate in the locker and in the chain: kept, and found again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compline.evidence.chain import said_in
from compline.evidence.decision import Decision, NoDecision, decision_of, document
from compline.evidence.locker import EvidenceMissing
from compline.findings.gate import model_digest
from compline.pipeline.manifest import add_link, signer_of
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.manifests import manifest_rows

KIND = "gate"
"""Of the links that hold decisions."""


def keep(session: Session, said: Mapping[str, Any]) -> Decision:
    """Puts a decision into the locker and adds it to the chain; only then it counts.

    Raises:
        EvidenceUnavailable: it cannot be kept.
        StoreError: too many others add links at the same time.
        SecretMissing: the signing key is not there.
        SigningKeyUnusable: it is none.
    """
    signer = signer_of(session)
    digest = session.evidence.put(document(said))
    # What was masked on its way in is masked for the deployer too: one document, one digest.
    decision = decision_of(session.evidence.get(digest), signer)
    head = {"model": said["model"], "version": said["version"], "verdict": said["verdict"]}
    add_link(session, KIND, None, {"decision": digest, **head})
    return decision


def decisions(session: Session) -> Iterator[tuple[int, Decision | str]]:
    """Every decision with its number in the chain, the newest first; instead of one that is not
    what was written down, what is wrong with it.

    Raises:
        EvidenceUnavailable: the locker cannot be reached.
    """
    for number, digest in reversed(_links(session)):
        try:
            yield number, decision_of(session.evidence.get(kept_digest(session, number, digest)))
        except (EvidenceMissing, NoDecision, ValueError) as error:
            yield number, str(error)


def kept_digest(session: Session, number: int, digest: str) -> str:
    """The digest of the decision that a link holds.

    Raises:
        EvidenceMissing: the link is gone or was changed.
        ValueError: it is no link.
    """
    return str(said_in(session.evidence.get_manifest(number, digest))["decision"])


def kept_digests(session: Session) -> frozenset[str]:
    """Of all decisions: retention leaves these alone."""
    found = set()
    for number, digest in _links(session):
        try:
            found.add(kept_digest(session, number, digest))
        except (EvidenceMissing, ValueError):
            continue  # `evidence verify` tells of it
    return frozenset(found)


def folder_digest(folder: Path) -> str:
    """The model's digest of a version that lies in a folder.

    Raises:
        BadRequest: it cannot be read, or holds what is no file.
    """
    from compline.scanners.models.artifacts import CannotList, Unreadable  # loads storages
    from compline.scanners.models.contents.reading import fetch
    from compline.scanners.models.places.folders import ModelFolder

    files = {}
    try:
        source = ModelFolder(str(folder.resolve()), "model", "model", "", lambda _url: None)
        listing = source.listing()
        if listing.gaps:
            raise BadRequest(f"{folder}: {listing.gaps[0].path} is no file: it is not deployed so")
        for each in fetch(source, listing.artifacts, None, 1 << 62):
            if each.gap is not None:
                raise BadRequest(f"{each.artifact.path} cannot be read: {each.gap.detail}")
            files[each.artifact.path] = each.sha256
    except (CannotList, Unreadable) as error:
        raise BadRequest(str(error)) from error
    if not files:
        raise BadRequest(f"{folder} holds no file")
    return model_digest(files)


def _links(session: Session) -> list[tuple[int, str]]:
    return [(row.number, row.digest) for row in manifest_rows(session.store) if row.kind == KIND]
