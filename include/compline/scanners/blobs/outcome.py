"""Results of contents put back to their paths: the outcome for one tree, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from compline.model import (
    Completed,
    Failed,
    Gap,
    GapReason,
    ScanKey,
    canonical_json,
    digest_of,
)
from compline.scanners.blobs.analysis import Analyzer, Content
from compline.scanners.blobs.selection import Selection
from compline.scanners.blobs.shelf import Result


def judge(
    analyzer: Analyzer, selection: Selection, results: Mapping[Content, Result]
) -> Completed | Failed:
    """The outcome for a tree, of which everything selected has a result."""
    for result in results.values():
        if result.broken:
            return Failed(
                f"{analyzer.scanner} does not work: {result.broken}; "
                f"run `compline tools install {analyzer.tool.name}`, or raise `limits`"
            )
    if results and all(_unreported(result) for result in results.values()):
        return Failed(
            f"{analyzer.scanner} does not report any of the {len(selection.contents)} files "
            "that it was given as looked at"
        )
    observations = []
    gaps = list(selection.gaps)
    for path, content in selection.contents.items():
        completed = results[content].completed
        observations += [
            replace(each, place=replace(each.place, path=path))
            for each in completed.observations
            if analyzer.concerns(each, path)
        ]
        gaps += [Gap(gap.reason, path, gap.detail) for gap in completed.gaps]
    return Completed(tuple(observations), tuple(gaps))


def report(analyzer: Analyzer, scan_key: ScanKey, revision: str, selection: Selection) -> bytes:
    """What was looked at with what, as JSON; what was seen is in the look's statement."""
    files = [[path, *content] for path, content in selection.contents.items()]
    return canonical_json(
        {
            "scanner": analyzer.scanner,
            "tool": {"version": analyzer.tool.version, "digest": analyzer.tool.digest},
            "scan_key": asdict(scan_key),
            "revision": revision,
            "files": {"count": len(files), "sha256": digest_of(files)},
        }
    )


def _unreported(result: Result) -> bool:
    return any(gap.reason is GapReason.NOT_REPORTED for gap in result.completed.gaps)
