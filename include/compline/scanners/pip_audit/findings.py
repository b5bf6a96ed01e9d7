"""What pip-audit's answers say about a tree: observations at each manifest's lines, and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import Version

from compline.advisories.service import Release
from compline.model import (
    Confidence,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    Package,
    Place,
    Severity,
)
from compline.scanners.pip_audit.tool import Answer, Vulnerability
from compline.scanners.requirements.model import Pin
from compline.scanners.requirements.tree import Found, TreeRequirements


def observations(
    tree: TreeRequirements, answers: Mapping[Release, Answer]
) -> Iterator[Observation]:
    """One for each advisory at each place that pins its package, and one for what is unpinned."""
    for found in tree.manifests:
        seen: set[Any] = set()
        for pin in found.manifest.pins:
            answer = answers.get((pin.name, pin.version))
            # One line per release: the same pin twice, for two markers, is one place.
            if answer is None or (pin.name, pin.version, pin.cell) in seen:
                continue
            seen.add((pin.name, pin.version, pin.cell))
            for vulnerability in answer.vulnerabilities:
                yield _advisory(found, pin, vulnerability)
        for item in found.manifest.unpinned:
            if item.name not in seen:
                seen.add(item.name)
                yield _unpinned(found, item.name, item.reason, item.line, item.cell)


def _advisory(found: Found, pin: Pin, vulnerability: Vulnerability) -> Observation:
    fixed = next((each for each in vulnerability.fixed if Version(each) > Version(pin.version)), "")
    details = {
        "advisory": f"https://osv.dev/vulnerability/{vulnerability.rule}",
        "cvss": vulnerability.vector,
        "marker": pin.marker,
        "remedy": f"require {pin.name}=={fixed} or later" if fixed else "",
    }
    return Observation(
        scanner="pip-audit",
        rule=vulnerability.rule,
        kind=FindingKind.DEPENDENCY,
        severity=vulnerability.severity,
        confidence=Confidence.HIGH,
        title=f"{pin.name} {pin.version} has the known vulnerability {vulnerability.rule}",
        place=Place(found.path, pin.line, pin.end_line or pin.line, cell=pin.cell, blob=found.blob),
        subject=f"pypi:{pin.name}",
        package=Package("pypi", pin.name, pin.version, fixed),
        aliases=vulnerability.ids,
        cwe=vulnerability.cwe,
        details=tuple((name, value) for name, value in details.items() if value),
    )


def _unpinned(
    found: Found, name: str, reason: str, line: int | None, cell: int | None
) -> Observation:
    # A library's own metadata is meant to have ranges; what is deployed is not.
    library = found.kind == "pyproject"
    return Observation(
        scanner="pip-audit",
        rule="unpinned-requirement",
        kind=FindingKind.MISCONFIGURATION,
        severity=Severity.INFO if library else Severity.LOW,
        confidence=Confidence.HIGH,
        title=f"{name} is required without an exact version",
        place=Place(found.path, line, line, cell=cell, blob=found.blob),
        subject=f"pypi:{name}",
        cwe=("CWE-1357",),
        details=(
            ("reason", reason),
            ("remedy", "pin it (==), or keep a lock file beside it"),
        ),
    )


def gaps(tree: TreeRequirements, answers: Mapping[Release, Answer]) -> Iterator[Gap]:
    """What is pinned and was not looked at."""
    for found in tree.manifests:
        for reason, wanted in ((GapReason.UNRESOLVED, True), (GapReason.NOT_REPORTED, False)):
            names = {
                f"pypi:{pin.name}"
                for pin in found.manifest.pins
                if _skipped(answers.get((pin.name, pin.version))) is wanted
            }
            if names:
                detail = "pip-audit skipped it" if wanted else "pip-audit did not report it"
                yield Gap(reason, found.path, detail, len(names), tuple(sorted(names)))


def _skipped(answer: Answer | None) -> bool | None:
    """True if it was skipped, False if it is missing, None if it was looked at."""
    if answer is None:
        return False
    return True if answer.skipped else None
