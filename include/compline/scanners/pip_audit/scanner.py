"""pip-audit over what a repository's requirement and lock files pin.

What a tree requires is read by us and kept by commit; what is known of a release is kept by
release and advisories. So a new advisory re-checks what is stored, and touches no git.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

from pydantic import TypeAdapter

from compline.advisories.age import stale_warning
from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import OsvOrigin, osv_origin
from compline.advisories.service import Release
from compline.model import (
    Completed,
    Failed,
    GapReason,
    Look,
    ScanKey,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.exclusions import Exclusions
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.pip_audit.findings import gaps, observations
from compline.scanners.pip_audit.tool import Answer, Audit, AuditFailed, audit
from compline.scanners.requirements.find import kind_of
from compline.scanners.requirements.tree import TreeRequirements, read_tree
from compline.source.snapshot import Snapshot, SourceError
from compline.tools.toolbox import Tool, ToolUnavailable

_ADAPTER = "1"
_CANARY = "canary"
"""Its name in the results cache."""
_logger = logging.getLogger(__name__)
_requirements: TypeAdapter[TreeRequirements] = TypeAdapter(TreeRequirements)
_answer: TypeAdapter[Answer] = TypeAdapter(Answer)


@dataclass(frozen=True)
class _Inventory:
    """What one job's tree requires, or why that is not known."""

    job: Job
    tree: TreeRequirements | None
    error: str = ""
    stored: bool = False
    seconds: float = 0.0

    @property
    def releases(self) -> set[Release]:
        found = self.tree.manifests if self.tree else ()
        return {(pin.name, pin.version) for each in found for pin in each.manifest.pins}


class PipAudit:
    """Advisories for pinned Python requirements, and requirements that are not pinned."""

    name = "pip-audit"
    kinds = frozenset({TargetKind.REPOSITORY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, exclusions and advisories.

        Raises:
            CannotScan: no tool or no advisories.
        """
        tool, origin = _means(context)
        return replace(_tree_key(context), tool=tool.digest, advisories=origin.digest)

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job; releases of all jobs are looked up together.

        Raises:
            CannotScan: as for `scan_key`.
        """
        tool, origin = _means(context)
        key = self.scan_key(context)
        with ThreadPoolExecutor(max(1, context.processes)) as pool:
            inventories = list(pool.map(lambda job: _inventory(job, context), jobs))
        started = time.monotonic()
        answers, stored, sandbox, error = _answers(inventories, tool, origin, context)
        share = (time.monotonic() - started) / max(1, len(jobs))
        for each in inventories:
            look = _look(each, answers, error, origin, context)
            yield replace(
                look,
                scan_key=key,
                tool_version=tool.version,
                sandbox=sandbox,
                seconds=each.seconds + share,
                fresh=not each.stored and not (each.releases & stored),
            )


def refresh(jobs: Sequence[Job], context: ScanContext) -> int:
    """Asks a live service for every release that the jobs are known to require.

    Of these only what was not asked for within `advisories.recheck_hours` of the context; git is
    not asked for anything, so a commit that was never read is left out.

    Returns:
        How many releases are known to be required.

    Raises:
        CannotScan: no tool, or no answer.
    """
    tool, origin = _means(context)
    inventories = [_inventory(replace(job, open_snapshot=None), context) for job in jobs]
    _, _, _, error = _answers(inventories, tool, origin, context)
    if error:
        raise CannotScan(error)
    return len({release for each in inventories for release in each.releases})


def _means(context: ScanContext) -> tuple[Tool, OsvOrigin]:
    try:
        tool = context.tools.get("pip-audit")
        return tool, osv_origin(context.config.advisories, context.workspace, context.now)
    except (ToolUnavailable, AdvisoryError) as error:
        raise CannotScan(str(error)) from error


def _tree_key(context: ScanContext) -> ScanKey:
    """What the reading of manifests depends on."""
    options = [
        context.config.ignore.model_dump(exclude={"honour_inline"}),
        context.config.limits.model_dump(),
    ]
    return ScanKey(tool="", adapter=_ADAPTER, options=digest_of(options))


def _inventory(job: Job, context: ScanContext) -> _Inventory:
    started = time.monotonic()
    key, content = _tree_key(context), f"commit:{job.revision}"
    if not job.fresh:
        kept = context.cache.get_many("pip-audit", key, [content]).get(content)
        if kept is not None:
            return _Inventory(job, _requirements.validate_json(kept), stored=True)
    if job.open_snapshot is None:
        return _Inventory(job, None, "it is no repository")
    try:
        tree = _read(job.open_snapshot(), Exclusions(context.config.ignore))
    except SourceError as error:
        return _Inventory(job, None, str(error), seconds=time.monotonic() - started)
    except Exception as error:  # one tree's oddity costs the others nothing
        _logger.exception("the manifests of %s cannot be read", job.target.name)
        problem = f"its manifests cannot be read ({type(error).__name__}); see the log"
        return _Inventory(job, None, problem, seconds=time.monotonic() - started)
    context.cache.put_many("pip-audit", key, {content: _requirements.dump_json(tree)})
    return _Inventory(job, tree, seconds=time.monotonic() - started)


def _read(snapshot: Snapshot, exclusions: Exclusions) -> TreeRequirements:
    blobs = {entry.path: entry.oid for entry in snapshot.entries}
    stay, _ = exclusions.part(blobs)
    _, left_out = exclusions.part(path for path in blobs if kind_of(path))
    tree = read_tree({path: blobs[path] for path in stay}, snapshot.read)
    # Of what the source left out, only what may be a manifest or hold one matters here.
    missing = tuple(
        gap
        for gap in snapshot.gaps
        if not gap.path
        or gap.path.endswith("/")
        or gap.reason is GapReason.SUBMODULE
        or kind_of(gap.path)
    )
    return replace(tree, gaps=(*missing, *left_out, *tree.gaps))


def _answers(
    inventories: Sequence[_Inventory], tool: Tool, origin: OsvOrigin, context: ScanContext
) -> tuple[dict[Release, Answer], set[Release], str, str]:
    """What is known of all releases; which of that was stored; the sandbox; what went wrong."""
    wanted = {release for each in inventories for release in each.releases}
    must_ask = {release for each in inventories if each.job.fresh for release in each.releases}
    advisories = "online" if origin.live else origin.digest
    key = ScanKey(tool=tool.digest, adapter=_ADAPTER, advisories=advisories)
    names = {f"{name}=={version}": (name, version) for name, version in wanted - must_ask}
    kept = context.cache.get_many("pip-audit", key, names)
    stored = {names[name]: _answer.validate_json(value) for name, value in kept.items()}
    if origin.live:
        oldest = context.now - timedelta(hours=context.config.advisories.recheck_hours)
        stored = {name: answer for name, answer in stored.items() if answer.asked > oldest}
    to_ask = sorted(wanted - set(stored))
    if not to_ask:
        return stored, set(stored), "", ""
    context.progress(f"pip-audit: looking up {len(to_ask)} releases")
    try:
        source = origin.load()

        def ask(releases: Sequence[Release]) -> Audit:
            limits, processes = context.config.limits, context.processes
            return audit(
                releases, source, tool, limits=limits, processes=processes, now=context.now
            )

        try:
            if not context.cache.get_many("pip-audit", key, [_CANARY]):
                ask([])  # the canary alone, once for each key
                context.cache.put_many("pip-audit", key, {_CANARY: b"found"})
            result = ask(to_ask)
        finally:
            source.close()
    except (AuditFailed, AdvisoryError) as error:
        return stored, set(stored), "", str(error)
    keep = {
        f"{name}=={version}": _answer.dump_json(answer)
        for (name, version), answer in result.answers.items()
        if not answer.skipped
    }
    context.cache.put_many("pip-audit", key, keep)
    return stored | dict(result.answers), set(stored), result.sandbox, ""


def _look(
    inventory: _Inventory,
    answers: Mapping[Release, Answer],
    error: str,
    origin: OsvOrigin,
    context: ScanContext,
) -> Look:
    job, tree, releases = inventory.job, inventory.tree, sorted(inventory.releases)
    look = Look(job.target.name, "pip-audit", Failed(inventory.error), revision=job.revision)
    if tree is None:
        return look
    silent = [release for release in releases if release not in answers]
    if silent and error:
        return replace(look, outcome=Failed(error))
    asked = [answers[release].asked for release in releases if release in answers]
    date = origin.date
    if origin.live:
        date = min(asked, default=context.now).astimezone(UTC).date().isoformat()
    max_age = context.config.advisories.max_age_days
    warning = stale_warning("OSV advisories", date, context.now, max_age)
    evidence = canonical_json(
        {
            "scanner": "pip-audit",
            "advisories": {"digest": origin.digest, "date": date},
            "releases": [
                _evidence(release, answers.get(release), origin.live) for release in releases
            ],
        }
    )
    return replace(
        look,
        outcome=Completed(tuple(observations(tree, answers)), (*tree.gaps, *gaps(tree, answers))),
        advisory_date=date,
        warnings=(warning,) if warning else (),
        evidence=(context.evidence.put(evidence),),
    )


def _evidence(release: Release, answer: Answer | None, live: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": release[0], "version": release[1]}
    if answer is None or answer.skipped:
        return facts | {"not_looked_at": answer.skipped if answer else "not reported"}
    if live:
        facts["asked"] = answer.asked.astimezone(UTC).isoformat()
    return facts | {"advisories": [list(each.ids) for each in answer.vulnerabilities]}
