"""modelaudit and picklescan as scanners: two witnesses of what a model file does when loaded."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import ClassVar

from compline.codec import dump_completed, load_completed
from compline.config.secrets import SecretMissing
from compline.model import (
    Completed,
    Failed,
    Gap,
    Look,
    Observation,
    ScanKey,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.models.artifacts import CannotList, Source
from compline.scanners.models.opening.canary import EQUIPMENT
from compline.scanners.models.opening.modelaudit import ENVIRONMENT, OPTIONS, ModelAudit
from compline.scanners.models.opening.picklescan import DRIVER, PickleScan
from compline.scanners.models.opening.rules import RULES
from compline.scanners.models.opening.scan import ModelScan, OpeningTool, bound
from compline.scanners.models.readings import digests_of
from compline.scanners.models.sources import (
    LIVE,
    open_source,
    rules_of,
    whole_listing,
)
from compline.scanners.services import unforeseen
from compline.tools.process import ProcessLimits
from compline.tools.toolbox import Tool, ToolUnavailable

ADAPTER = "2"
"""Raised whenever the same report would be read otherwise."""
_NOTHING = "there is no model file for this scanner"
KINDS = frozenset(
    {TargetKind.REPOSITORY, TargetKind.IMAGE, TargetKind.MODEL_REGISTRY, TargetKind.MODEL}
)


class _Opening(ABC):
    """What both scanners share; each names its tool."""

    name: ClassVar[str]
    kinds = KINDS

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The tool, our rules, how it is started and its limits.

        Raises:
            CannotScan: the tool is not installed.
        """
        limits = context.config.limits
        options = [limits.tool_memory_mb, limits.tool_output_mb, OPTIONS, sorted(ENVIRONMENT)]
        canary = {name: content.hex() for name, content in EQUIPMENT.items()}
        rules = {name: asdict(rule) for name, rule in RULES.items()}
        return ScanKey(
            self._tool(context).digest,
            ADAPTER,
            rules=digest_of([rules, canary, DRIVER.read_text("utf-8")]),
            options=digest_of([*options, context.config.ignore.model_dump()]),
        )

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job; each target is its own.

        Raises:
            CannotScan: as for `scan_key`, or the canary was missed.
        """
        key = self.scan_key(context)
        limits = context.config.limits
        bounds = ProcessLimits(
            seconds=limits.tool_seconds,
            memory_mb=limits.tool_memory_mb,
            output_mb=limits.tool_output_mb,
        )
        tool = self._opening(self._tool(context), bounds)
        for job in jobs:
            context.progress(f"{self.name}: {job.target.name}")
            yield self._look(job, context, ModelScan(tool, key, context))

    def _tool(self, context: ScanContext) -> Tool:
        try:
            return context.tools.get(self.name)
        except ToolUnavailable as error:
            raise CannotScan(str(error)) from error

    @abstractmethod
    def _opening(self, tool: Tool, limits: ProcessLimits) -> OpeningTool:
        """The tool, ready to open files within these limits."""

    def _look(self, job: Job, context: ScanContext, scan: ModelScan) -> Look:
        started = time.monotonic()
        revision = job.revision or context.now.isoformat(timespec="seconds")
        look = Look(
            job.target.name,
            self.name,
            Failed(""),
            revision,
            scan_key=scan.scan_key,
            tool_version=scan.tool.tool.version,
        )
        try:
            look = self._looked(job, context, scan, look)
        except CannotScan:
            raise
        except (CannotList, SecretMissing) as error:
            look = replace(look, outcome=Failed(str(error)))
        except Exception as error:  # one target's crash is one Failed look
            look = replace(look, outcome=Failed(unforeseen(error)))
        return replace(look, seconds=round(time.monotonic() - started, 3))

    def _looked(self, job: Job, context: ScanContext, scan: ModelScan, look: Look) -> Look:
        whole = f"image:{job.revision}" if job.target.kind is TargetKind.IMAGE else ""
        if whole and job.revision and not job.fresh:
            kept = context.cache.get_many(self.name, scan.scan_key, [whole]).get(whole)
            if kept is not None:
                evidence = self._evidence(context, scan, look.revision, [], {"image": job.revision})
                return replace(look, outcome=load_completed(kept), evidence=evidence, fresh=False)
        with closing(open_source(job, context)) as source:
            return self._opened(job, context, scan, look, source, whole)

    def _opened(
        self,
        job: Job,
        context: ScanContext,
        scan: ModelScan,
        look: Look,
        source: Source,
        whole: str,
    ) -> Look:
        listing = whole_listing(source, job)
        # What is in a signature's place, model-guard looks into.
        signature = rules_of(job.target)["signature"] if job.target.kind in LIVE else ""
        wanted = [
            each
            for each in listing.artifacts
            if each.path != signature and scan.tool.takes(each.path)
        ]
        digests = digests_of(job, context, listing)
        digests.look_up(wanted)
        results = scan.results(source, wanted, digests)
        observations: dict[Observation, None] = {}
        gaps: dict[Gap, None] = dict.fromkeys(listing.gaps)
        for artifact in wanted:
            one = bound(artifact, results[artifact])
            observations.update(dict.fromkeys(one.observations))
            gaps.update(dict.fromkeys(one.gaps))
        outcome = Completed(tuple(observations), tuple(gaps))
        if whole and not outcome.gaps:
            kept_value = {whole: dump_completed(outcome)}
            context.cache.put_many(self.name, scan.scan_key, kept_value)
        files = [digests.told(artifact) for artifact in wanted]
        return replace(
            look,
            outcome=outcome,
            evidence=self._evidence(context, scan, look.revision, files, {}),
            warnings=() if wanted else (_NOTHING,),
            files=digests.share(wanted),
            sandbox=scan.sandbox,
            fresh=not scan.cached,
        )

    def _evidence(
        self,
        context: ScanContext,
        scan: ModelScan,
        revision: str,
        files: list[list[str]],
        more: dict[str, str],
    ) -> tuple[str, ...]:
        document = {
            "scanner": self.name,
            "tool": {"version": scan.tool.tool.version, "digest": scan.tool.tool.digest},
            "scan_key": asdict(scan.scan_key),
            "revision": revision,
            "asked": context.now.isoformat(),
            "files": files,
            **more,
        }
        return (context.evidence.put(canonical_json(document)),)


class ModelAuditScanner(_Opening):
    """Model files of any format, opened by modelaudit."""

    name = "modelaudit"

    def _opening(self, tool: Tool, limits: ProcessLimits) -> OpeningTool:
        return ModelAudit(tool, limits)


class PickleScanScanner(_Opening):
    """Pickles and what holds them, opened by picklescan."""

    name = "picklescan"

    def _opening(self, tool: Tool, limits: ProcessLimits) -> OpeningTool:
        return PickleScan(tool, limits)
