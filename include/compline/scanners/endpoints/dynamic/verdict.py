"""What a report says of a document's operations: findings, gaps, or nothing that counts."""

from __future__ import annotations

from collections.abc import Sequence

from compline.model import (
    MISSED_CANARY,
    Completed,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    Place,
)
from compline.scanners.endpoints.dynamic.checks import CHECKS
from compline.scanners.endpoints.dynamic.document import Document
from compline.scanners.endpoints.dynamic.report import Report
from compline.scanners.services import escaped, one_line

SCANNER = "endpoint-dynamic"


class NotTested(Exception):
    """The run says nothing about the endpoint."""


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
        NotTested: no operation was reached, or the canary was not reported.
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
    if whole <= report.absent | report.led_away:
        raise NotTested(
            "no operation was reached: every answer is a redirect, 404, 405 or 410; does the "
            "endpoint's url have the base path of the document, and the credential its rights?"
        )
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
    # With a parameter in its path it may well be that there never was what was asked for.
    if operation in report.absent and "{" not in operation:
        return GapReason.MISSING_OBJECT, "it answers nothing but 404, 405 or 410: is it there?"
    return None


def _resource(operation: str) -> str:
    return escaped(f"operation/{operation}")


def _observation(operation: str, check: str, count: int, titles: tuple[str, ...]) -> Observation:
    meaning = CHECKS[check]
    resource = _resource(operation)
    return Observation(
        scanner=SCANNER,
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
