"""model-guard: what vouches for each model, and whether it still is what it was."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

from compline.findings.gate import model_digest
from compline.model import (
    Completed,
    Fact,
    Look,
    Outcome,
    RegressionKind,
    ScanKey,
    Served,
    canonical_json,
    digest_of,
)
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.lineage.known import KnownAssets
from compline.scanners.live import Notes, looks_at
from compline.scanners.models.artifacts import CannotList, Listing, alias_of
from compline.scanners.models.guard import canary as guard_canary
from compline.scanners.models.guard.inspection import Inspection
from compline.scanners.models.guard.links import links_of
from compline.scanners.models.guard.rules import RULES, judge
from compline.scanners.models.guard.signatures import Signatures
from compline.scanners.models.sources import LIVE, open_source, rules_of
from compline.tools.process import ProcessLimits
from compline.tools.toolbox import Tool, ToolUnavailable

ADAPTER = "1"
"""Raised whenever the same files and answers would be judged otherwise."""
_TOOL = "model-signing"


class ModelGuard:
    """Formats, licences, provenance, signatures, digests; asked each time, never written to."""

    name = "model-guard"
    kinds = LIVE

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key without the target's rules; a look's own key has them.

        Raises:
            CannotScan: model-signing is not installed.
        """
        return _key(_tool(context), {})

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job.

        Raises:
            CannotScan: as for `scan_key`, or a canary was missed.
        """
        tool = _tool(context)
        guard_canary.prove()
        proved: list[bool] = []
        yield from looks_at(
            jobs,
            self.name,
            context,
            f"model-signing {tool.version}",
            (CannotList, CannotScan),
            "model guard",
            partial(self._judge, context, tool, proved),
        )

    def _judge(
        self, context: ScanContext, tool: Tool, proved: list[bool], job: Job, notes: Notes
    ) -> Outcome:
        rules = rules_of(job.target)
        notes.key = _key(tool, rules)
        signatures = _signatures(tool, rules, context, proved)
        with closing(open_source(job, context)) as source:
            inspection = Inspection(job, context, source, rules, signatures)
            listing, known, gaps = inspection.run()
        notes.evidence.append(
            canonical_json(
                {
                    "scanner": self.name,
                    "target": job.target.name,
                    "models": [
                        [
                            model.name,
                            dict(model.aliases),
                            model.served,
                            [v.name for v in model.versions],
                        ]
                        for model in listing.models
                    ],
                    "asked": context.now.isoformat(),
                    "files": inspection.rows(),
                    "versions": [[*place, asdict(each)] for place, each in sorted(known.items())],
                }
            )
        )
        notes.files = inspection.share()
        observations = judge(listing.models, known, rules)
        origins = {place: each.origin for place, each in known.items()}
        links = links_of(
            listing.models,
            origins,
            KnownAssets(context.config),
            f"{job.target.kind.value}/{job.target.name}",
        )
        return Completed(observations, gaps, _facts(listing, inspection), links)


def _key(tool: Tool, rules: object) -> ScanKey:
    return ScanKey(
        digest_of([tool.digest, platform.python_version()]),
        ADAPTER,
        rules=digest_of({name: asdict(rule) for name, rule in RULES.items()}),
        options=digest_of(rules),
    )


def _tool(context: ScanContext) -> Tool:
    try:
        return context.tools.get(_TOOL)
    except ToolUnavailable as error:
        raise CannotScan(str(error)) from error


def _signatures(
    tool: Tool, rules: dict[str, object], context: ScanContext, proved: list[bool]
) -> Signatures | None:
    keys, certificates = (
        [Path(str(each)) for each in list(rules[name])]  # type: ignore[call-overload]
        for name in ("keys", "certificates")
    )
    if not keys and not certificates:
        return None
    limits = context.config.limits
    bounds = ProcessLimits(limits.tool_seconds, limits.tool_memory_mb, limits.tool_output_mb)
    loose = bool(rules["ignore_unsigned_files"])
    return Signatures(tool, keys, certificates, loose, bounds, context.workspace, proved)


def _facts(listing: Listing, inspection: Inspection) -> tuple[Fact, ...]:
    """Digests by file, the list of files by version, and what production serves; of drafts none."""
    changed = RegressionKind.MODEL_CHANGED
    drafts = {(m.name, v.name) for m in listing.models for v in m.versions if v.draft}
    kept = [each for each in listing.artifacts if (each.model, each.version) not in drafts]
    facts = [
        Fact(changed, artifact.place, content)
        for artifact in kept
        if (content := inspection.content(artifact))
    ]
    files: dict[str, list[str]] = {}
    for artifact in kept:
        place = "/".join(filter(None, (artifact.model, artifact.version)))
        files.setdefault(place, []).append(artifact.path)
    for place, paths in files.items():
        value = f"{len(paths)} files ({digest_of(sorted(paths))[:12]})"
        facts.append(Fact(changed, place, value))
    contents: dict[tuple[str, str], dict[str, str]] = {}
    for artifact in kept:
        of_version = contents.setdefault((artifact.model, artifact.version), {})
        of_version[artifact.path] = inspection.content(artifact).removeprefix("sha256:")
    for model in listing.models:
        if model.served is not None:
            files_of = contents.get((model.name, model.served), {})
            whole = files_of and all(files_of.values())
            served = Served(model.name, model.served, model_digest(files_of) if whole else "")
            value = model.served or "-"
            facts.append(Fact(changed, alias_of(model.name), value, served=served))
    return tuple(facts)
