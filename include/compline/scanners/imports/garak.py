"""garak's report.jsonl: which probes a model at an endpoint fell for, by which detector.

The format is that of garak 0.10 and later: one object per line with its `entry_type`. Only the
evaluations are read; prompts and answers, which are what the probes are meant to bring out, are
neither read nor kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compline.model import (
    Confidence,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    Place,
    Severity,
)
from compline.scanners.imports.report import Broken, Json, Reading, Settings, spans, words
from compline.scanners.imports.sources import Sources
from compline.scanners.services import escaped, one_line

SHAPE = {
    "entries": [
        {
            "entry_type": True,
            "garak_version": True,
            "probe": True,
            "detector": True,
            "passed": True,
            "total": True,
            "total_evaluated": True,
            "nones": True,
            "probe_classname": True,
            "status": True,
        }
    ]
}

_ENDS = ("completion", "digest")
_INJECTION = ("promptinject", "latentinjection", "dan", "goodside", "encoding", "tap", "suffix")
"""Modules of probes that put other orders in place of the given ones."""
_OFTEN, _SOMETIMES = 0.5, 0.1
"""Share of answers that were hits: how sure it is that the next one is too."""


def read(document: Json, _sources: Sources, _settings: Settings) -> list[Reading]:
    """What the report says; one finding per probe and detector with hits.

    Raises:
        Broken: it has no end, nothing was evaluated, or an entry is not whole.
    """
    entries = spans(document.get("entries") or ())
    if not any(entry.get("entry_type") in _ENDS for entry in entries):
        raise Broken("garak's report is not whole: the run did not come to its end")
    evaluated = [entry for entry in entries if entry.get("entry_type") == "eval"]
    if not evaluated:
        raise Broken("garak's report has no evaluation: nothing was probed")
    try:
        observations = [found for entry in evaluated if (found := _observation(entry))]
        gaps = [*_unjudged(evaluated), *_unfinished(entries, evaluated)]
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"an entry of garak's report is not whole ({type(error).__name__})") from None
    version = words(*(entry.get("garak_version") for entry in entries))
    rules = tuple(sorted({str(entry["probe"]) for entry in evaluated}))
    unique = tuple(dict.fromkeys(observations))
    return [Reading("garak", version, unique, tuple(dict.fromkeys(gaps)), rules)]


def _total(entry: Json) -> int:
    """Answers that a detector judged: `total` until garak 0.13, which counted no unjudged ones."""
    total = entry["total_evaluated"] if "total_evaluated" in entry else entry["total"]
    if not 0 <= int(entry["passed"]) <= int(total):
        raise ValueError("more passed than were evaluated")
    return int(total)


def _resource(entry: Json) -> str:
    return escaped(f"probe/{entry['probe']}/{str(entry['detector']).removeprefix('detector.')}")


def _observation(entry: Json) -> Observation | None:
    total = _total(entry)
    hits = total - int(entry["passed"])
    if not hits:
        return None
    probe = str(entry["probe"])
    share = hits / total
    confidence = (
        Confidence.HIGH
        if share >= _OFTEN
        else Confidence.MEDIUM
        if share >= _SOMETIMES
        else Confidence.LOW
    )
    resource = _resource(entry)
    injection = probe.partition(".")[0] in _INJECTION
    return Observation(
        scanner="import:garak",
        rule=one_line(probe, 100),
        kind=FindingKind.ACCESS,
        severity=Severity.MEDIUM,
        confidence=confidence,
        title=one_line(f"The model falls for the probe {probe}", 200),
        place=Place(path=resource),
        subject=resource,
        cwe=("CWE-1427",) if injection else (),
        details=(
            ("remediation", "See what the probe does in garak's documentation, and guard for it."),
            ("detector", one_line(str(entry["detector"]), 100)),
            ("hits", f"{hits} of {total} answers"),
        ),
    )


def _unjudged(evaluated: list[Any]) -> Iterator[Gap]:
    for entry in evaluated:
        nones = int(entry.get("nones") or 0)
        if nones or not _total(entry):
            detail = f"{nones} answers were not judged" if nones else "no answer was judged"
            yield Gap(GapReason.NOT_REPORTED, _resource(entry), detail)


def _unfinished(entries: Any, evaluated: list[Any]) -> Iterator[Gap]:
    judged = {str(entry["probe"]) for entry in evaluated}
    probed = {
        str(entry["probe_classname"]) for entry in entries if entry.get("entry_type") == "attempt"
    }
    for probe in sorted(probed - judged):
        yield Gap(GapReason.TRUNCATED, escaped(f"probe/{probe}/"), "its answers were not evaluated")
