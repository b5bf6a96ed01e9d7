"""Whether evidence, manifests and ledger are what was written down: everything that is not."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from compline.evidence.chain import (
    Link,
    Problem,
    check_ledger,
    check_link,
    check_order,
    check_signed,
    check_succession,
    said_in,
)
from compline.evidence.locker import EvidenceChanged, EvidenceMissing
from compline.model import digest_of
from compline.pipeline.manifest import link_of, signer_of
from compline.pipeline.session import Session
from compline.store.errors import StoreError
from compline.store.manifests import (
    decisions_without_manifest,
    finished_runs,
    is_manifest,
    manifest_rows,
    stated,
)


@dataclass(frozen=True)
class Verified:
    """What was checked, and what is wrong."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    """What an auditor should know and is no fault."""
    links: int
    head: str
    """Number and digest of the last link: written down elsewhere, it proves that none behind it
    was taken away."""
    rows: int
    """Of the ledger."""
    documents: int
    """Of evidence."""
    signed: int
    heads: tuple[str, ...] = field(default=(), repr=False)
    """Every link as `head` has the last one."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        values = asdict(self)
        del values["heads"]
        return values


def verify(
    session: Session, run: int | None = None, keys: Collection[str] = (), expect: str = ""
) -> Verified:
    """Checks the chain; of every run, or of one, the ledger and the evidence too.

    Args:
        session: where.
        run: only this run's ledger and evidence; the chain is always checked as a whole.
        keys: public keys that may have signed, in hexadecimal, besides the configured one.
        expect: `NUMBER:DIGEST` of a link that must be there.

    Raises:
        StoreError: there is no such run.
        EvidenceUnavailable: the locker cannot be reached.
    """
    checked = _Check(session, run, {*keys, *_own_key(session)}).all()
    if expect and expect not in checked.heads:
        number = expect.partition(":")[0]
        detail = f"{expect} was written down before and is not in the chain"
        missing = Problem("missing", f"manifest {number}", detail)
        return replace(checked, problems=(*checked.problems, missing))
    return checked


def _own_key(session: Session) -> Iterator[str]:
    signer = signer_of(session)
    if signer is not None:
        yield signer.public


class _Check:
    def __init__(self, session: Session, run: int | None, trusted: Collection[str]) -> None:
        self._session = session
        self._locker = session.evidence
        self._run = run
        self._trusted = trusted
        self._problems: list[Problem] = []
        self._notes: list[str] = []
        self._rows = 0
        self._checked: set[str] = set()
        self._pruned: set[str] = set()
        self._going: Counter[int] = Counter()

    def all(self) -> Verified:
        if self._run is not None:
            stated(self._session.store, self._run)  # an unknown run is a mistake, not a finding
        links = [link_of(row) for row in manifest_rows(self._session.store)]
        self._problems += check_order(links)
        self._problems += check_signed(links, self._trusted)
        self._strays(links)
        self._links(links)
        self._unlinked(links)
        last = links[-1] if links else None
        return Verified(
            tuple(self._problems),
            tuple(self._notes),
            len(links),
            f"{last.number}:{last.digest}" if last else "",
            self._rows,
            len(self._checked),
            sum(bool(link.signature) for link in links),
            tuple(f"{link.number}:{link.digest}" for link in links),
        )

    def _links(self, links: list[Link]) -> None:
        """One manifest after the other: a year of them does not fit into memory."""
        for link in links:
            if link.kind == "prune" and (said := self._said(link)) is not None:
                self._pruned.update(said["removed"])
                self._going.update(_going(said.get("ledger")))
        last = {link.run: link.number for link in links if link.run is not None}
        earlier: dict[int, Mapping[str, Any]] = {}
        for link in links:
            if link.kind == "prune" or (said := self._said(link)) is None:
                continue
            if link.kind == "gate" and self._run is None:
                self._document(said["decision"], f"the gate, manifest {link.number}")
            if link.run is None:
                continue
            before = earlier.pop(link.run, None)
            if before is not None:
                self._problems += check_succession(link.run, before, said)
            if link.number < last[link.run]:
                earlier[link.run] = said
            elif self._run in (None, link.run):
                self._ledger(link.run, said)

    def _said(self, link: Link) -> dict[str, Any] | None:
        """What the manifest states, if it is one; everything that is wrong with it is told."""
        what = f"manifest {link.number}"
        try:
            content = self._locker.get_manifest(link.number, link.digest)
        except EvidenceChanged:
            self._problems.append(Problem("changed", what, "its file is not what was written"))
            return None
        except EvidenceMissing:
            self._problems.append(Problem("missing", what, "its file is gone"))
            return None
        self._problems += check_link(link, content, self._trusted)
        try:
            said = said_in(content)
        except ValueError:
            return None
        # A link that says in the store what it does not say itself has been told of above.
        kinds = {"prune": "removed" in said, "gate": "decision" in said}
        return said if kinds.get(link.kind, not any(kinds.values())) else None

    def _strays(self, links: list[Link]) -> None:
        """Manifests that lie in the locker and that the store does not know."""
        known = {(link.number, link.digest) for link in links}
        finished = finished_runs(self._session.store)
        for number, digest in self._locker.manifests():
            if (number, digest) in known or is_manifest(self._session.store, number, digest):
                continue
            if number <= len(links):
                self._notes.append(f"manifest {number} lies there twice: a process was killed")
                continue
            try:
                said = said_in(self._locker.get_manifest(number, digest))
                run = said.get("run", {}).get("id")
            except (EvidenceMissing, ValueError):
                run = None
            if run is not None and finished.get(run) is False:
                self._notes.append(
                    f"run {run} was killed while it was concluded: conclude it again"
                )
            else:
                detail = "it lies in the locker, and the store knows nothing of it"
                self._problems.append(Problem("missing", f"manifest {number}", detail))

    def _unlinked(self, links: list[Link]) -> None:
        """Runs that are finished and have no manifest."""
        linked = {link.run for link in links if link.run is not None}
        finished = finished_runs(self._session.store)
        waiting = decisions_without_manifest(self._session.store)
        for run in sorted(finished):
            if not finished[run] or run in linked or self._run not in (None, run):
                continue
            if run in waiting:
                self._notes.append(f"run {run}, a person's decision, waits for its manifest")
            elif linked and run > min(linked):
                detail = "the run is finished and has no manifest"
                self._problems.append(Problem("missing", f"manifest of run {run}", detail))
            else:
                self._notes.append(f"run {run} is from before the chain began")

    def _ledger(self, run: int, written: Mapping[str, Any]) -> None:
        """The run's rows against its manifest; so many may be missing, by retention."""
        for row in written["ledger"]:
            self._rows += 1
            for digest in row["evidence"]:
                self._document(digest, f"run {run} {row['target']}/{row['scanner']}")
        try:
            stored = stated(self._session.store, run)
        except StoreError:
            detail = "the store knows no such run any more"
            self._problems.append(Problem("missing", f"run {run}", detail))
            return
        problems = list(check_ledger(run, written, stored))
        missing = [one for one in problems if one.kind == "missing"]
        allowed = missing if len(missing) <= self._going[run] else []
        self._problems += [one for one in problems if one not in allowed]
        for digest, parts in stored["scan_keys"].items():
            names = ("tool", "adapter", "rules", "options", "advisories")
            if digest_of(dict(zip(names, parts, strict=True))) != digest:
                detail = "its parts do not give its digest"
                self._problems.append(Problem("changed", f"scan key {digest[:12]}", detail))
        for digest, body in stored["gap_sets"].items():
            if hashlib.sha256(body.encode()).hexdigest() != digest:
                detail = "its text does not give its digest"
                self._problems.append(Problem("changed", f"gap set {digest[:12]}", detail))

    def _document(self, digest: str, where: str) -> None:
        if digest in self._checked:
            return
        self._checked.add(digest)
        try:
            self._locker.get(digest)
        except EvidenceChanged:
            detail = f"of {where}: its content is not what was put"
            self._problems.append(Problem("changed", f"evidence {digest}", detail))
        except EvidenceMissing:
            if digest not in self._pruned:
                self._problems.append(Problem("missing", f"evidence {digest}", f"of {where}"))


def _going(said: object) -> dict[int, int]:
    """Run to the number of its ledger rows that retention let go; a forger may write anything."""
    if not isinstance(said, dict):
        return {}
    return {int(run): rows for run, rows in said.items() if run.isdigit() and isinstance(rows, int)}
