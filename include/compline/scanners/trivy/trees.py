"""Trees on their way through trivy: what is kept of them, and what is still to be scanned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from compline.model import Gap, GapReason, Observation, ScanKey, canonical_json, digest_of
from compline.scanners.exclusions import Exclusions
from compline.scanners.interface import Job, ScanContext
from compline.scanners.trivy.batch import TreeReport, Unit
from compline.scanners.trivy.blob_secrets import at_path, is_source, keep_secrets, known_secrets
from compline.scanners.trivy.command import RULES, Means
from compline.scanners.trivy.packages import cyclonedx
from compline.source.snapshot import Snapshot, SourceError

_ADAPTER = "2"
_BATCH_BYTES = 400 << 20
_BATCH_TREES = 25
_SMALL_BYTES = 4 << 20
"""Below this a second process would only load trivy's checks once more."""


@dataclass(frozen=True)
class StoredTree:
    """What is kept of a tree: everything that does not depend on the vulnerability database."""

    report: TreeReport
    blobs: dict[str, str]
    """Object ids of the files that list packages."""
    evidence: tuple[str, ...]


_stored: TypeAdapter[StoredTree] = TypeAdapter(StoredTree)


@dataclass(frozen=True)
class Part:
    """One job on its way to its look."""

    job: Job
    tree: StoredTree | None = None
    error: str = ""
    fresh: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Unscanned:
    """A tree that has to be scanned."""

    job: Job
    unit: Unit
    """With those of its files that were not scanned before."""
    left_out: tuple[Gap, ...]
    secrets: tuple[Observation, ...] = ()
    """Found in its other files."""


def keys(context: ScanContext, given: Means) -> tuple[ScanKey, ScanKey]:
    """What the stored tree depends on, and with the database what the look does."""
    settings = context.config.scanners.trivy
    options = [
        context.config.ignore.model_dump(exclude={"honour_inline"}),
        context.config.limits.model_dump(),
        sorted(settings.scanners),
        sorted(settings.forbidden_licences),
        list(given.key.ids) if given.key else [],
    ]
    tree = ScanKey(given.tool.digest, _ADAPTER, rules=digest_of(RULES), options=digest_of(options))
    return tree, replace(tree, advisories=given.database.digest if given.database else "")


def recall(jobs: Sequence[Job], key: ScanKey, context: ScanContext) -> list[Part]:
    """Jobs whose commit was scanned before; nothing is asked of git."""
    by_commit = {f"commit:{job.revision}": job for job in jobs if not job.fresh}
    trees = {
        name: f"tree:{value.decode()}"
        for name, value in context.cache.get_many("trivy", key, by_commit).items()
    }
    kept = context.cache.get_many("trivy", key, set(trees.values()))
    parts = [
        Part(job, _stored.validate_json(kept[trees[f"commit:{job.revision}"]]))
        for job in jobs
        if not job.fresh and trees.get(f"commit:{job.revision}") in kept
    ]
    return [part for part in parts if part.tree is not None and _proved(part.tree, context)]


def open_tree(job: Job, key: ScanKey, context: ScanContext) -> tuple[Part, Snapshot | None]:
    """The tree to scan; none where it cannot be had, or was scanned under another commit."""
    if job.open_snapshot is None:
        return Part(job, error="it is no repository"), None
    started = time.monotonic()
    try:
        snapshot = job.open_snapshot()
    except SourceError as error:
        return Part(job, error=str(error), seconds=time.monotonic() - started), None
    name = f"tree:{snapshot.tree}"
    if not job.fresh and (kept := context.cache.get_many("trivy", key, [name]).get(name)):
        tree = _stored.validate_json(kept)
        if _proved(tree, context):
            context.cache.put_many("trivy", key, {f"commit:{job.revision}": snapshot.tree.encode()})
            return Part(job, tree), None
    return Part(job), snapshot


def _proved(tree: StoredTree, context: ScanContext) -> bool:
    """Whether its evidence is still there (retention may have taken it); else it is scanned."""
    return all(context.evidence.has(digest) for digest in tree.evidence)


def unscanned_of(job: Job, snapshot: Snapshot, key: ScanKey, context: ScanContext) -> Unscanned:
    """What of a tree has to be scanned."""
    exclusions = Exclusions(context.config.ignore)
    stay, gaps = exclusions.part(entry.path for entry in snapshot.entries)
    kept = set(stay)
    entries = [entry for entry in snapshot.entries if entry.path in kept]
    secrets: list[Observation] = []
    if "secret" not in context.config.scanners.trivy.scanners:
        entries = [entry for entry in entries if not is_source(entry.path)]
    elif not job.fresh:
        known = known_secrets(entries, key, context)
        unknown = []
        for entry in entries:
            if is_source(entry.path) and entry.oid in known:
                secrets += [at_path(found, entry.path) for found in known[entry.oid]]
            else:
                unknown.append(entry)
        entries = unknown
    unit = Unit(snapshot, tuple(entries))
    return Unscanned(job, unit, (*snapshot.gaps, *gaps), tuple(secrets))


def batches_of(unscanned: Sequence[Unscanned], processes: int) -> list[list[Unscanned]]:
    """About equal batches, as few as keep all processes busy without filling the disk."""
    sizes = {each.unit.tag: sum(entry.size for entry in each.unit.entries) for each in unscanned}
    total = sum(sizes.values())
    wanted = 1 if total < _SMALL_BYTES else processes
    count = max(wanted, -(-total // _BATCH_BYTES), -(-len(unscanned) // _BATCH_TREES))
    batches: list[list[Unscanned]] = [[] for _ in range(count)]
    loads = [0] * count
    for each in sorted(unscanned, key=lambda one: -sizes[one.unit.tag]):
        least = loads.index(min(loads))
        batches[least].append(each)
        # A tree without content still costs its share of the process.
        loads[least] += sizes[each.unit.tag] + 1
    return [batch for batch in batches if batch]


def keep(
    each: Unscanned, report: TreeReport, key: ScanKey, given: Means, context: ScanContext
) -> StoredTree:
    """Puts a scanned tree's evidence into the locker and the rest into the results cache."""
    snapshot = each.unit.snapshot
    listing = {package.path for package in report.packages}
    blobs = {entry.path: entry.oid for entry in each.unit.entries if entry.path in listing}
    results = {
        "scanner": "trivy",
        "tree": snapshot.tree,
        "results": [*report.evidence, *(_as_result(found) for found in each.secrets)],
    }
    evidence = [canonical_json(results)]
    if report.packages:
        evidence.append(canonical_json(cyclonedx(report.packages, given.tool.version)))
    tree = StoredTree(
        replace(
            report,
            observations=(*report.observations, *each.secrets),
            gaps=tuple(dict.fromkeys((*each.left_out, *report.gaps))),
            evidence=(),
        ),
        blobs,
        tuple(context.evidence.put(document) for document in evidence),
    )
    if given.key is not None:
        keep_secrets(each.unit.entries, report.observations, report.gaps, key, context)
    # A file that broke trivy may have done so by chance: such a result is not kept.
    if not any(gap.reason is GapReason.CRASHED for gap in tree.report.gaps):
        values = {
            f"tree:{snapshot.tree}": _stored.dump_json(
                replace(tree, report=replace(tree.report, sandbox=""))
            ),
            f"commit:{each.job.revision}": snapshot.tree.encode(),
        }
        context.cache.put_many("trivy", key, values)
    return tree


def _as_result(found: Observation) -> dict[str, Any]:
    """As `evidence_of` has it; the file was scanned as part of another tree."""
    place = found.place
    entry = {"RuleID": found.rule, "StartLine": place.line, "EndLine": place.end_line}
    return {"Target": place.path, "Class": "secret", "Secrets": [entry]}
