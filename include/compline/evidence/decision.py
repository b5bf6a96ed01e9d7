"""A decision of the promotion gate as a document: its form, its file, and whether both hold. Pure.

The file is what a deployer gets: the decision, its digest, and where a key is configured the
signature over that digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compline.evidence.signing import DECISION, Signer, fingerprint, holds
from compline.model import canonical_json

FORMAT = "compline.gate/1"


class NoDecision(Exception):
    """It is no decision in a form that is known here; the message says what is wrong."""


@dataclass(frozen=True)
class Decision:
    """A decision with what vouches for it."""

    said: Mapping[str, Any]
    """All that the document says; `pipeline/gate.py` writes it."""
    digest: str
    """SHA-256 of the document's canonical JSON."""
    signature: str = ""
    """Ed25519 over the digest, in hexadecimal; empty: not signed."""
    signer: str = ""
    """The public key, in hexadecimal."""

    @property
    def verdict(self) -> str:
        """`met`, `breached` or `unknown`."""
        return str(self.said["verdict"])

    @property
    def at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(str(self.said["at"]))

    def as_json(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        return {
            "decision": dict(self.said),
            "digest": self.digest,
            "signature": self.signature,
            "signer": self.signer,
        }


def document(said: Mapping[str, Any]) -> bytes:
    """The decision as canonical JSON."""
    return canonical_json({"format": FORMAT, **said})


def decision_of(content: bytes, signer: Signer | None = None) -> Decision:
    """A document as a decision, signed if there is a signer.

    Raises:
        NoDecision: it is none.
    """
    try:
        said = json.loads(content)
    except ValueError as error:
        raise NoDecision("it is no JSON") from error
    return _decision(said, signer.sign, signer.public) if signer else _decision(said)


def read_file(content: bytes) -> Decision:
    """What a file of `Decision.as_json` holds; that its digest is right is not yet looked at.

    Raises:
        NoDecision: it is no such file.
    """
    try:
        body = json.loads(content)
        decision = _decision(body["decision"])
        parts = [body[name] for name in ("digest", "signature", "signer")]
    except (ValueError, KeyError, TypeError) as error:
        raise NoDecision("it is no file of a gate's decision") from error
    if not all(isinstance(part, str) for part in parts):
        raise NoDecision("it is no file of a gate's decision")
    return Decision(decision.said, *parts)


def problems_of(
    decision: Decision, trusted: Collection[str] | None, digest: str | None
) -> list[str]:
    """What is wrong with a decision that somebody hands over, besides its verdict.

    Args:
        decision: as the file has it.
        trusted: public keys that may have signed, in hexadecimal; None: a signature is not asked.
        digest: the model's digest as it is where it is to be deployed; None: it is not asked.
    """
    found = []
    if hashlib.sha256(canonical_json(dict(decision.said))).hexdigest() != decision.digest:
        found.append("the decision is not what its digest says: it was changed")
    if trusted is not None:
        if not decision.signature:
            found.append("nobody has signed it")
        elif not holds(decision.digest, decision.signature, decision.signer, DECISION):
            found.append("its signature does not hold")
        elif decision.signer not in trusted:
            found.append(f"signed by {fingerprint(decision.signer)}, which is no key of yours")
    if digest is not None and decision.said.get("digest") != digest:
        found.append(
            f"it was given for {decision.said.get('digest') or 'no digest'}, and this is {digest}"
        )
    return found


def _decision(said: Any, sign: Any = None, public: str = "") -> Decision:
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise NoDecision("it is no decision of a form that this version reads")
    if said.get("verdict") not in ("met", "breached", "unknown"):
        raise NoDecision("it has no verdict")
    try:
        aware = datetime.fromisoformat(str(said.get("at"))).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise NoDecision("it does not say when it was made")
    digest = hashlib.sha256(canonical_json(said)).hexdigest()
    return Decision(said, digest, sign(digest, DECISION) if sign else "", public)
