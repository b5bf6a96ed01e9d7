"""Trivy over a repository's tree: misconfigurations, secrets, licences, vulnerable packages.

The tree is scanned once and kept by its object id; only the list of its packages is looked up
again when the vulnerability database moves, for all repositories in one process, without git.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from compline.advisories.age import stale_warning
from compline.model import (
    Completed,
    Failed,
    Look,
    ScanKey,
    TargetKind,
    canonical_json,
)
from compline.scanners.interface import Job, ScanContext
from compline.scanners.trivy.batch import Batch
from compline.scanners.trivy.command import Means, TrivyFailed, means
from compline.scanners.trivy.licences import LicencePolicy
from compline.scanners.trivy.matching import (
    Matched,
    database_gaps,
    match_packages,
    unmatched_gaps,
)
from compline.scanners.trivy.packages import advisory
from compline.scanners.trivy.tree_reader import TreeReader
from compline.scanners.trivy.trees import (
    Part,
    Unscanned,
    batches_of,
    keep,
    keys,
    open_tree,
    recall,
    unscanned_of,
)
from compline.tools.process import ToolError


class TrivyTree:
    """Misconfigurations, secrets, licences and vulnerable packages of repositories."""

    name = "trivy"
    kinds = frozenset({TargetKind.REPOSITORY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, our rules and exclusions, the key that hashes secrets, and the database.

        Raises:
            CannotScan: one of them is missing.
        """
        return keys(context, means(context, self.name))[1]

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job: first those whose trees are known, then batch by batch.

        Raises:
            CannotScan: as for `scan_key`.
        """
        given = means(context, self.name)
        tree_key, _ = keys(context, given)
        known = recall(jobs, tree_key, context)
        yield from self._looks(known, given, context)
        rest = [
            job for job in jobs if job.target.name not in {part.job.target.name for part in known}
        ]
        with ThreadPoolExecutor(max(1, context.processes)) as pool:
            opened = list(pool.map(lambda job: open_tree(job, tree_key, context), rest))
            ready = [part for part, _ in opened if part.tree is not None or part.error]
            yield from self._looks(ready, given, context)
            waiting = [
                unscanned_of(part.job, snapshot, tree_key, context)
                for part, snapshot in opened
                if snapshot is not None
            ]
            if waiting:
                self._batch(given, context).prove_once(self.name, tree_key)
            batches = batches_of(waiting, context.processes)
            futures = [
                pool.submit(self._scan, batch, given, tree_key, context) for batch in batches
            ]
            for future in as_completed(futures):
                yield from self._looks(future.result(), given, context)

    def _batch(self, given: Means, context: ScanContext) -> Batch:
        settings = context.config.scanners.trivy
        policy = LicencePolicy(settings.forbidden_licences)
        return Batch(settings.scanners, given, context, TreeReader(self.name, given.key, policy))

    def _scan(
        self, batch: Sequence[Unscanned], given: Means, key: ScanKey, context: ScanContext
    ) -> list[Part]:
        started = time.monotonic()
        context.progress(f"trivy: {len(batch)} trees")
        outcomes = self._batch(given, context).scan([each.unit for each in batch])
        share = (time.monotonic() - started) / len(batch)
        parts = []
        for each, outcome in zip(batch, outcomes, strict=True):
            part = Part(each.job, fresh=not each.secrets, seconds=share)
            if isinstance(outcome, TrivyFailed):
                parts.append(replace(part, error=str(outcome)))
                continue
            tree = keep(each, outcome, key, given, context)
            parts.append(replace(part, tree=tree))
        return parts

    def _looks(self, parts: Sequence[Part], given: Means, context: ScanContext) -> Iterator[Look]:
        if not parts:
            return
        started = time.monotonic()
        packages = [package for part in parts if part.tree for package in part.tree.report.packages]
        fresh = {
            package.key
            for part in parts
            if part.tree and part.job.fresh
            for package in part.tree.report.packages
        }
        matched, error = Matched({}, frozenset()), ""
        try:
            matched = match_packages(packages, given, context, scanner=self.name, fresh=fresh)
        except (TrivyFailed, ToolError) as problem:
            error = f"vulnerabilities could not be looked up: {problem}"
        share = (time.monotonic() - started) / len(parts)
        key = keys(context, given)[1]
        for part in parts:
            look = Look(
                part.job.target.name,
                self.name,
                Failed(part.error or error),
                revision=part.job.revision,
                scan_key=key,
                tool_version=given.tool.version,
                seconds=part.seconds + share,
            )
            if part.tree is not None and not error:
                look = _completed(look, part, matched, given, context)
            yield look


def _completed(
    look: Look, part: Part, matched: Matched, given: Means, context: ScanContext
) -> Look:
    assert part.tree is not None  # noqa: S101 - the caller has looked
    report, blobs = part.tree.report, part.tree.blobs
    packages = [package for package in report.packages if package.version]
    vulnerable = [
        advisory(look.scanner, package, known, blobs.get(package.path, ""))
        for package in packages
        for known in matched.known.get(package.key, ())
    ]
    outcome = Completed(
        (*given.bound(report.observations, look.target), *dict.fromkeys(vulnerable)),
        (*report.gaps, *database_gaps(packages, given), *unmatched_gaps(packages, matched, given)),
    )
    look = replace(
        look,
        outcome=outcome,
        evidence=part.tree.evidence,
        sandbox=report.sandbox or matched.sandbox,
        fresh=part.fresh and not any(package.key in matched.stored for package in packages),
    )
    if given.database is None:
        return look
    database = given.database
    answers = {
        package.key: sorted(known.id for known in matched.known[package.key])
        for package in packages
        if matched.known.get(package.key)
    }
    document = {
        "scanner": "trivy",
        "database": {"digest": database.digest, "date": database.date},
        "packages": len({package.key for package in packages}),
        "vulnerable": answers,
    }
    warning = stale_warning(
        "Trivy's advisories",
        database.date,
        context.now,
        context.config.advisories.max_age_days,
    )
    return replace(
        look,
        advisory_date=database.date,
        warnings=(*database.warnings, *([warning] if warning else [])),
        evidence=(*look.evidence, context.evidence.put(canonical_json(document))),
    )
