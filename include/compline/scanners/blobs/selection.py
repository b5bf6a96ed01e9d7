"""Which files of a tree a scanner takes, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

from compline.model import Gap
from compline.scanners.blobs.analysis import Analyzer, Content
from compline.scanners.exclusions import Exclusions
from compline.source.snapshot import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Selection:
    """What of one tree is looked at."""

    contents: dict[str, Content]
    """Path to content, in order of paths."""
    sizes: dict[Content, int]
    """Bytes of each content's blob."""
    gaps: tuple[Gap, ...]


def select(snapshot: Snapshot, analyzer: Analyzer, exclusions: Exclusions) -> Selection:
    """The tree's files for this analyzer, less what the configuration leaves out.

    Of what the source left out, only files that the analyzer would have taken are gaps of this
    scanner, and directories.
    """
    found = {}
    sizes = {}
    for entry in snapshot.entries:
        reading = analyzer.reading(entry)
        if reading:
            found[entry.path] = Content(entry.oid, reading)
            sizes[found[entry.path]] = entry.size
    kept, left_out = exclusions.part(found)
    gaps = [gap for gap in snapshot.gaps if _concerns(gap, analyzer)]
    return Selection({path: found[path] for path in kept}, sizes, (*gaps, *left_out))


def _concerns(gap: Gap, analyzer: Analyzer) -> bool:
    if not gap.path or gap.path.endswith("/"):
        return True
    return bool(analyzer.reading(Entry(gap.path, "", False, 0)))
