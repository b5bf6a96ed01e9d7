"""Semgrep's JSON of another place; rules it ran are not ours, so what it says of them is read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from compline.model import Confidence, FindingKind, Gap, GapReason, Observation, Severity
from compline.scanners.blobs.analysis import Answer
from compline.scanners.blobs.spans import Span
from compline.scanners.imports.report import Broken, Json, Reading, Settings, readable, telling
from compline.scanners.imports.sources import Sources
from compline.scanners.semgrep.report import file_gap
from compline.scanners.suppressions import nosemgrep
from compline.scanners.trivy.report import one_line

SHAPE = {
    "version": True,
    "paths": {"scanned": [True], "skipped": [{"path": True, "reason": True}]},
    "errors": [{"type": [True], "level": True, "path": True, "rule_id": True, "code": True}],
    "skipped_rules": [{"rule_id": True}],
    "results": [
        {
            "check_id": True,
            "path": True,
            "start": {"line": True, "col": True},
            "end": {"line": True, "col": True},
            "extra": {
                "severity": True,
                "fingerprint": True,
                "is_ignored": True,
                "metadata": {
                    "cwe": [True],
                    "confidence": True,
                    "source": True,
                    "impact": True,
                    "likelihood": True,
                },
            },
        }
    ],
}

_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "ERROR": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "INFO": Severity.LOW,
    "LOW": Severity.LOW,
    "INVENTORY": Severity.INFO,
    "EXPERIMENT": Severity.INFO,
}
_CWE = re.compile(r"CWE-(\d+)")


def read(document: Json, sources: Sources, _settings: Settings) -> list[Reading]:
    """What the report says.

    Raises:
        Broken: parts of it are missing, it says that the run failed, or it speaks of another tree.
    """
    try:
        results = list(document["results"])
        scanned = list(document["paths"]["scanned"])
        skipped = list(document["paths"].get("skipped") or ())
        errors = list(document["errors"])
        _check_run(errors, document.get("skipped_rules") or ())
        names = [*scanned, *(each["path"] for each in results)]
        sources.settle(names)
        use = telling((_who(each), str(each["extra"].get("fingerprint") or "")) for each in results)
        found = [_observation(each, sources, use_fingerprint=use) for each in results]
        gaps = [
            Gap(GapReason.NOT_REPORTED, sources.path(each["path"]), "skipped") for each in skipped
        ]
        for error in errors:
            answer = Answer()
            file_gap(error, answer)
            path = sources.path(str(error["path"]))
            gaps += [Gap(gap.reason, path, gap.detail) for gap in answer.gaps]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}"[:80]
        raise Broken(f"Semgrep's report is not whole ({what})") from None
    version = str(document.get("version") or "")
    return [Reading("semgrep", version, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(gaps)))]


def _check_run(errors: list[Any], left_out: Any) -> None:
    for error in errors:
        if not error.get("path"):
            kind = error.get("type")
            kind = str(kind[0] if isinstance(kind, list) else kind)
            raise Broken(f"Semgrep says that its run failed in part: {one_line(kind)}")
    if left_out:
        raise Broken(f"Semgrep says that it left out {len(left_out)} rules")


def _who(result: Json) -> tuple[Any, ...]:
    start, end = result["start"], result["end"]
    return result["check_id"], result["path"], start["line"], start["col"], end["line"], end["col"]


def _observation(result: Json, sources: Sources, *, use_fingerprint: bool) -> Observation:
    extra, metadata = result["extra"], result["extra"].get("metadata") or {}
    start, end = result["start"], result["end"]
    path = sources.path(str(result["path"]))
    cwe = _numbers(_texts(metadata.get("cwe") or ()))
    span = Span(start["line"], max(start["line"], end["line"]), start["col"], end["col"])
    place, fingerprints = sources.locate(path, span, cwe)
    # It carries the folders of the file of rules, which are no part of the rule.
    rule = str(result["check_id"]).rpartition(".")[2]
    if use_fingerprint:
        fingerprints = (*fingerprints, ("semgrep/1", str(extra["fingerprint"])))
    suppression = nosemgrep(sources.lines(path), span.line, rule)
    details = (("reference", one_line(metadata.get("source") or "")),)
    return Observation(
        scanner="import:semgrep",
        rule=one_line(rule),
        kind=FindingKind.CODE,
        severity=_SEVERITIES.get(str(extra.get("severity")).upper(), Severity.UNKNOWN),
        confidence=_confidence(metadata),
        title=one_line(readable(rule)),
        place=place,
        fingerprints=fingerprints,
        cwe=cwe,
        suppression=suppression or ("nosemgrep" if extra.get("is_ignored") else ""),
        details=tuple(pair for pair in details if pair[1]),
    )


def _confidence(metadata: Json) -> Confidence:
    try:
        return Confidence(str(metadata.get("confidence")).lower())
    except ValueError:
        return Confidence.MEDIUM


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(each) for each in value)


@lru_cache(maxsize=1000)
def _numbers(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({f"CWE-{n}" for text in texts for n in _CWE.findall(text)}))
