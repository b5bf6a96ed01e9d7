"""The chain of manifests: what each link says, how it is signed, and whether it still holds. Pure.

A link is canonical JSON and names the digest of the link before it, so that none can be changed,
left out or put elsewhere without all after it. A run's link holds its ledger with ScanKeys, gaps
and evidence by digest; a link of pruning holds what was removed, so that what is missing without
such a link was taken away by somebody else; a link of the gate holds the digest of its decision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from compline.evidence.signing import Signer, fingerprint, holds
from compline.model import canonical_json

FORMAT = "compline.manifest/1"


@dataclass(frozen=True, slots=True)
class Link:
    """One manifest as the store knows it."""

    number: int
    """1, 2, 3, ... without a hole."""
    kind: str
    """`run`, `prune` or `gate`."""
    run: int | None
    digest: str
    """SHA-256 of the manifest, which lies in the locker."""
    previous: str
    """The digest of the one before; empty for the first."""
    at: datetime
    """When it was made."""
    signature: str = ""
    """Ed25519 over the digest, in hexadecimal; empty: not signed."""
    signer: str = ""
    """The public key, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written down."""

    kind: str
    """`changed`, `missing`, `reordered`, `added`, `signature`."""
    what: str
    """`manifest 3`, `evidence ab12…`, `ledger run 4 fraud-model/bandit`."""
    detail: str


def make_link(
    before: Link | None,
    kind: str,
    run: int | None,
    said: Mapping[str, Any],
    now: datetime,
    signer: Signer | None,
) -> tuple[Link, bytes]:
    """The next link of the chain, with the manifest's bytes.

    Args:
        before: the last link; None for the first.
        kind: `run`, `prune` or `gate`.
        run: whose, for `run`.
        said: what it states; plain JSON.
        now: when it is made.
        signer: signs it, if there is one.
    """
    number, previous = (before.number + 1, before.digest) if before else (1, "")
    public = signer.public if signer else ""
    body = {
        "format": FORMAT,
        "number": number,
        "previous": previous,
        "kind": kind,
        "at": now.astimezone(UTC).isoformat(),
        "signer": public,
        "said": said,
    }
    content = canonical_json(body)
    digest = hashlib.sha256(content).hexdigest()
    signature = signer.sign(digest) if signer else ""
    return Link(number, kind, run, digest, previous, now, signature, public), content


def said_in(content: bytes) -> dict[str, Any]:
    """What a manifest states.

    Raises:
        ValueError: it is no manifest of a format that is known here.
    """
    body = json.loads(content)
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError("it is no manifest that this version reads")
    said: Any = body.get("said")
    check = {"run": _is_run, "gate": _is_decision}.get(str(body.get("kind")), _is_pruning)
    if not (isinstance(said, dict) and check(said)):
        raise ValueError("it is no whole manifest")
    stated: dict[str, Any] = said
    return stated


def _is_pruning(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("removed"), list)


def _is_decision(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("decision"), str) and "removed" not in said


def _is_run(said: Mapping[str, Any]) -> bool:
    """Whether everything is there that the checks read: a forger may write anything."""
    rows = said.get("ledger")
    return (
        isinstance(said.get("run"), dict)
        and isinstance(said.get("scan_keys"), dict)
        and isinstance(said.get("gap_sets"), dict)
        and isinstance(rows, list)
        and all(
            isinstance(row, dict)
            and all(isinstance(row.get(name), str) for name in _WORDS)
            and isinstance(row.get("evidence"), list)
            for row in rows
        )
    )


_WORDS = ("target", "scanner", "outcome", "gaps", "scan_key")


def check_order(links: Sequence[Link]) -> Iterator[Problem]:
    """Whether the store's links stand one behind the other; they come in order of numbers."""
    previous = ""
    for place, link in enumerate(links, 1):
        what = f"manifest {link.number}"
        if link.number != place:
            yield Problem("missing", f"manifest {place}", f"{link.number} comes where it should be")
            return
        if link.previous != previous:
            yield Problem("reordered", what, "it does not follow the manifest before it")
        previous = link.digest


def check_link(link: Link, content: bytes, trusted: Collection[str]) -> Iterator[Problem]:
    """Whether a manifest, whose digest was checked, is the one of this link, and rightly signed.

    Args:
        link: as the store has it.
        content: the manifest.
        trusted: public keys, in hexadecimal; empty: any signature that holds is good.
    """
    what = f"manifest {link.number}"
    try:
        body = json.loads(content)
        names = ("format", "number", "previous", "kind", "at", "signer")
        head = tuple(body[name] for name in names)
        run = said_in(content).get("run", {}).get("id")
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Problem("changed", what, "it is no manifest")
        return
    at = link.at.astimezone(UTC).isoformat()
    if head != (FORMAT, link.number, link.previous, link.kind, at, link.signer) or run != link.run:
        yield Problem("reordered", what, "it was written for another place in the chain")
    if link.signer and not holds(link.digest, link.signature, link.signer):
        yield Problem("signature", what, "its signature does not hold")
    elif trusted and link.signer and link.signer not in trusted:
        detail = f"signed by {fingerprint(link.signer)}, which is no key of yours"
        yield Problem("signature", what, detail)


def check_signed(links: Sequence[Link], trusted: Collection[str]) -> Iterator[Problem]:
    """Whether signing, once begun, was kept up; asked only where a key is known."""
    begun = False
    for link in links:
        if begun and trusted and not link.signature:
            yield Problem("signature", f"manifest {link.number}", "it is not signed; others are")
        begun = begun or bool(link.signature)


def check_ledger(
    run: int, written: Mapping[str, Any], stored: Mapping[str, Any]
) -> Iterator[Problem]:
    """Whether the store's ledger of a run is what its manifest says.

    Args:
        run: its number.
        written: what the manifest states.
        stored: the same taken from the store now.
    """
    before, now = _rows(written), _rows(stored)
    for name in sorted(before.keys() | now.keys()):
        what = f"ledger run {run} {name}"
        if name not in now:
            yield Problem("missing", what, "the store has no such row any more")
        elif name not in before:
            yield Problem("added", what, "the manifest knows no such row")
        elif before[name] != now[name]:
            fields = sorted(
                key
                for key in before[name].keys() | now[name].keys()
                if before[name].get(key) != now[name].get(key)
            )
            yield Problem("changed", what, f"differs in {', '.join(fields)}")
    for part, column in (("scan_keys", "scan_key"), ("gap_sets", "gaps")):
        # What a missing row alone has named is told with that row.
        for digest in sorted({row[column] for row in now.values()} & written[part].keys()):
            if stored[part].get(digest) != written[part][digest]:
                word = part.removesuffix("s").replace("_", " ")
                yield Problem("changed", f"{word} {digest[:12]} of run {run}", "not as written")
    for name in ("kind", "key", "started", "result", "parameters"):
        # Without a result it was killed between its manifest and its end.
        known = name != "result" or stored["run"]["result"]
        if known and written["run"].get(name) != stored["run"].get(name):
            yield Problem("changed", f"run {run}", f"differs in {name}")


def check_succession(
    run: int, earlier: Mapping[str, Any], later: Mapping[str, Any]
) -> Iterator[Problem]:
    """A second manifest of one run (a retry) may only replace what had failed."""
    after = _rows(later)
    for name, row in _rows(earlier).items():
        if row["outcome"] != "failed" and after.get(name) != row:
            detail = "a later manifest of the run says otherwise of what was recorded"
            yield Problem("changed", f"ledger run {run} {name}", detail)


def _rows(said: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {f"{row['target']}/{row['scanner']}": row for row in said["ledger"]}
