"""Generated requests, by schemathesis, to endpoints whose configuration asks for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from compline.model import (
    Look,
    Outcome,
    ScanKey,
    Skipped,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.endpoints.asking import NoAnswer
from compline.scanners.endpoints.dynamic import command
from compline.scanners.endpoints.dynamic.checks import CHECKS
from compline.scanners.endpoints.dynamic.document import Unusable
from compline.scanners.endpoints.dynamic.gateway import Rules, gateway
from compline.scanners.endpoints.dynamic.report import Broken, Report, read
from compline.scanners.endpoints.dynamic.subject import subject_of
from compline.scanners.endpoints.dynamic.verdict import SCANNER, NotTested, judge
from compline.scanners.expectations.deadline import within
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.http.addresses import NoPlace
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.live import Notes, looks_at
from compline.tools.process import ToolError
from compline.tools.toolbox import Tool, ToolUnavailable

ADAPTER = "1"
"""Raised whenever the same report would be read otherwise."""
_EXPECTED = (
    *(NoPlace, NoAnswer, Unusable, NotTested, Broken),
    *(command.Broke, ToolError, CannotCollect),
)


class EndpointDynamic:
    """Operations of an OpenAPI document under generated requests; always asked live."""

    name = SCANNER
    kinds = frozenset({TargetKind.ENDPOINT})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key without any endpoint's own settings, which a look's key has."""
        try:
            return self._key(context, context.tools.get("schemathesis"), {})
        except ToolUnavailable as error:
            raise CannotScan(str(error)) from error

    def _key(self, context: ScanContext, tool: Tool, settings: Mapping[str, Any]) -> ScanKey:
        limits = context.config.scanners.endpoint_dynamic.model_dump()
        return ScanKey(
            tool=tool.digest,
            adapter=ADAPTER,
            rules=digest_of({name: asdict(check) for name, check in CHECKS.items()}),
            options=digest_of({"limits": limits, "settings": dict(settings)}),
        )

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Tests each endpoint in turn; whatever goes wrong with one is its own Failed look."""
        try:
            tool = context.tools.get("schemathesis")
        except ToolUnavailable as error:
            raise CannotScan(str(error)) from error
        yield from looks_at(
            jobs,
            self.name,
            context,
            f"schemathesis {tool.version}",
            _EXPECTED,
            "generated requests",
            partial(self._judge, context, tool),
        )

    def _judge(self, context: ScanContext, tool: Tool, job: Job, notes: Notes) -> Outcome:
        target = job.target
        if not target.settings.get("dynamic"):
            return Skipped("generated requests are only sent where `dynamic: true` is set")
        notes.key = self._key(context, tool, target.settings)
        bounds, limits = context.config.scanners.endpoint_dynamic, context.config.limits
        # Whatever it waits for, a name server too: the gateway's time begins when it is done.
        option = "scanners.endpoint-dynamic.seconds"
        subject = within(bounds.seconds, option, partial(subject_of, target, context))
        rules = Rules(
            subject.place,
            subject.credential,
            subject.tls,
            frozenset(subject.methods),
            bounds.requests,
            time.monotonic() + bounds.seconds,
            subject.place.path + subject.canary,
        )
        with gateway(rules) as proxy:
            ran = command.test(
                tool,
                subject.document,
                subject.place,
                proxy,
                checks=tuple(CHECKS),
                methods=subject.methods,
                examples=bounds.examples,
                seconds=bounds.seconds,
                memory_mb=limits.tool_memory_mb,
                output_mb=limits.tool_output_mb,
            )
        notes.sandbox = ran.sandbox
        report = read(ran.report)
        outcome = judge(report, subject.document, subject.canary, subject.methods, rules.over)
        if rules.strays:
            notes.warnings = (f"{rules.strays} requests to elsewhere were not passed on",)
        notes.evidence.append(_evidence(target, context, report, rules, subject.canary))
        return outcome


def _evidence(
    target: Target, context: ScanContext, report: Report, rules: Rules, canary: str
) -> bytes:
    own = {name: count for name, count in report.tested.items() if canary not in name}
    return canonical_json(
        {
            "target": target.name,
            "asked": context.now.isoformat(timespec="seconds"),
            "schemathesis": report.version,
            "requests": rules.passed,
            "over": rules.over,
            "tested": own,
            "refused": sorted(report.refused),
            "errors": dict(report.errors),
            "failures": [
                {"operation": operation, "check": check, "cases": count, "names": list(names)}
                for (operation, check), (count, names) in sorted(report.failures.items())
                if canary not in operation
            ],
        }
    )
