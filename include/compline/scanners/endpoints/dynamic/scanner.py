"""Generated requests, by schemathesis, to endpoints whose configuration asks for them."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compline.model import (
    MISSED_CANARY,
    Completed,
    FindingKind,
    Gap,
    GapReason,
    Look,
    Observation,
    Outcome,
    Place,
    ScanKey,
    Skipped,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.endpoints import addresses
from compline.scanners.endpoints.asking import Credential, NoAnswer, asking
from compline.scanners.endpoints.dynamic import command
from compline.scanners.endpoints.dynamic.checks import CHECKS
from compline.scanners.endpoints.dynamic.document import Document, Unusable, prepare
from compline.scanners.endpoints.dynamic.gateway import Rules, connect, gateway
from compline.scanners.endpoints.dynamic.report import Broken, Report, read
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.live import Notes, live_look
from compline.scanners.services import escaped, one_line
from compline.tools.process import ToolError
from compline.tools.toolbox import Tool, ToolUnavailable

ADAPTER = "1"
"""Raised whenever the same report would be read otherwise."""
_FETCH_SECONDS = 30.0
_EXPECTED = (
    addresses.NoPlace,
    NoAnswer,
    Unusable,
    Broken,
    command.Broke,
    ToolError,
)


class NotTested(Exception):
    """The run says nothing about the endpoint."""


@dataclass(frozen=True)
class _Subject:
    """One endpoint, ready to be tested."""

    place: addresses.Place
    credential: Credential | None
    tls: ssl.SSLContext
    document: Document
    canary: str
    methods: tuple[str, ...]


class EndpointDynamic:
    """Operations of an OpenAPI document under generated requests; always asked live."""

    name = "endpoint-dynamic"
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
        for job in jobs:
            context.progress(f"{job.target.name}: generated requests")
            target, confined = job.target, [""]
            look = live_look(
                target,
                self.name,
                context,
                f"schemathesis {tool.version}",
                (*_EXPECTED, NotTested),
                lambda notes, target=target, confined=confined: self._judge(  # type: ignore[misc]
                    target, context, tool, notes, confined
                ),
            )
            yield replace(look, sandbox=confined[0])

    def _judge(
        self, target: Target, context: ScanContext, tool: Tool, notes: Notes, confined: list[str]
    ) -> Outcome:
        if not target.settings.get("dynamic"):
            return Skipped("generated requests are only sent where `dynamic: true` is set")
        notes.key = self._key(context, tool, target.settings)
        bounds, limits = context.config.scanners.endpoint_dynamic, context.config.limits
        subject = _subject(target, context)
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
        confined[0] = ran.sandbox
        report = read(ran.report)
        outcome = judge(report, subject.document, subject.canary, subject.methods, rules.over)
        if rules.strays:
            notes.warnings = (f"{rules.strays} requests to elsewhere were not passed on",)
        notes.evidence.append(_evidence(target, context, report, rules, subject.canary))
        return outcome


def judge(
    report: Report, document: Document, canary: str, methods: Sequence[str], over: int
) -> Completed:
    """What a report says of the document's operations.

    Args:
        report: of the run.
        document: that it was about.
        canary: path of the planted operation.
        methods: those that were tested.
        over: requests that came after the bound.

    Raises:
        NotTested: no operation was tested, or the canary was not reported.
    """
    planted = f"{methods[0]} {canary}"
    if (planted, "not_a_server_error") not in report.failures:
        raise NotTested(f"the check {MISSED_CANARY}: schemathesis did not report a server error")
    gaps = []
    for operation in document.operations:
        if reason := _why_not(operation, report, methods, over):
            gaps.append(Gap(reason[0], _resource(operation), reason[1]))
    whole = {
        name
        for name in document.operations
        if report.tested.get(name) and name not in report.refused
    }
    if not whole:
        why = gaps[0].detail if gaps else "the document's operations are not in the report"
        raise NotTested(f"no operation was tested ({why})")
    known = set(document.operations)
    observations = [
        _observation(operation, check, *found)
        for (operation, check), found in sorted(report.failures.items())
        if operation in known - report.refused and check in CHECKS
    ]
    return Completed(tuple(observations), tuple(gaps))


def _why_not(
    operation: str, report: Report, methods: Sequence[str], over: int
) -> tuple[GapReason, str] | None:
    if operation.partition(" ")[0] not in methods:
        return GapReason.UNSUPPORTED, "its method is not among `methods:`"
    if lost := report.errors.get(operation):
        if over:
            return GapReason.TOO_MANY, f"{lost} requests came after the bound on requests or time"
        return GapReason.CRASHED, f"{lost} requests had no whole answer, or could not be made"
    if not report.tested.get(operation):
        return GapReason.NOT_REPORTED, "schemathesis does not say that it tested it"
    if operation in report.refused:
        return GapReason.FORBIDDEN, "no request was let in (401 or 403)"
    return None


def _resource(operation: str) -> str:
    return escaped(f"operation/{operation}")


def _observation(operation: str, check: str, count: int, titles: tuple[str, ...]) -> Observation:
    meaning = CHECKS[check]
    resource = _resource(operation)
    return Observation(
        scanner=EndpointDynamic.name,
        rule=check.replace("_", "-"),
        kind=FindingKind.ACCESS,
        severity=meaning.severity,
        confidence=meaning.confidence,
        title=one_line(f"{operation} {meaning.title}", 200),
        place=Place(path=resource),
        subject=resource,
        cwe=meaning.cwe,
        details=(
            ("remediation", meaning.remediation),
            ("failures", ", ".join(titles)),
            ("cases", str(count)),
        ),
    )


def _subject(target: Target, context: ScanContext) -> _Subject:
    settings = target.settings
    private = settings.get("private_hosts") or ()
    place = addresses.find(target.locator, private)
    if place.host not in {str(name).lower() for name in settings.get("hosts") or ()}:
        raise NotTested(f"{place.host} is not among `hosts:`, to which generated requests may go")
    credential = None
    if settings.get("credential"):
        value = context.secrets.resolve(str(settings["credential"]))
        credential = Credential(value, str(settings.get("send") or "bearer"))
    ca = Path(settings["ca"]) if settings.get("ca") else None
    tls = ssl.create_default_context()
    try:
        if ca is not None:
            tls.load_verify_locations(cafile=ca)
    except OSError as error:
        raise NotTested(f"the certificates of `ca:` cannot be read: {error}") from None
    if credential and place.scheme == "http" and not place.inside:
        raise NotTested("the credential is not sent without TLS to a public address")
    try:
        connect(place, tls).close()
    except ssl.SSLError:
        raise NotTested("no TLS connection whose certificate can be verified") from None
    except OSError as error:
        raise NotTested(f"no connection ({type(error).__name__})") from None
    canary = f"/compline-canary-{secrets.token_hex(6)}"
    content = _content(str(settings.get("openapi") or ""), place, credential, ca, private)
    methods = tuple(settings.get("methods") or ("GET", "POST"))
    document = prepare(content, canary, methods[0])
    return _Subject(place, credential, tls, document, canary, methods)


def _content(
    where: str,
    place: addresses.Place,
    credential: Credential | None,
    ca: Path | None,
    private: Sequence[str],
) -> bytes:
    if not where.startswith(("http://", "https://")):
        try:
            return Path(where).read_bytes()
        except OSError as error:
            raise Unusable(f"the OpenAPI document cannot be read: {error.strerror}") from None
    parts = urlsplit(where)
    own = parts.scheme == place.scheme and parts.netloc == place.authority
    at = replace(place, path="") if own else addresses.find(where, private)
    path = parts.path or "/"

    async def fetch() -> bytes:
        async with asking(
            replace(at, path=""), credential if own else None, ca, _FETCH_SECONDS
        ) as asker:
            who = "right" if own and asker.has_credential else "anonymous"
            answer = await asker.call("GET", path, identity=who)  # type: ignore[arg-type]
            if answer.status != 200:
                raise Unusable(f"the OpenAPI document's URL answers {answer.status}")
            return answer.body.encode()

    try:
        return asyncio.run(fetch())
    except TimeoutError:
        raise Unusable("the OpenAPI document's URL did not answer in time") from None


def _evidence(
    target: Target, context: ScanContext, report: Report, rules: Rules, canary: str
) -> bytes:
    own = Counter({name: count for name, count in report.tested.items() if canary not in name})
    return canonical_json(
        {
            "target": target.name,
            "asked": context.now.isoformat(timespec="seconds"),
            "schemathesis": report.version,
            "requests": rules.passed,
            "over": rules.over,
            "tested": dict(own),
            "refused": sorted(report.refused),
            "errors": dict(report.errors),
            "failures": [
                {"operation": operation, "check": check, "cases": count, "names": list(names)}
                for (operation, check), (count, names) in sorted(report.failures.items())
                if canary not in operation
            ],
        }
    )
