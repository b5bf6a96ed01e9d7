"""Pieces of logs on their way through trivy's secret scanner, as files of a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from compline.model import Gap, Observation, Place, ScanKey
from compline.scanners.interface import ScanContext
from compline.scanners.logs.growth import Piece
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.batch import Batch, TreeReport, Unit
from compline.scanners.trivy.command import Means, TrivyFailed
from compline.scanners.trivy.report import evidence_of, secret
from compline.source.entry import Entry
from compline.source.snapshot import Snapshot

KINDS = ("secret",)
Found = tuple[tuple[Observation, ...], tuple[Gap, ...]]
"""Secrets and gaps of one piece."""


def scan(
    pieces: Sequence[Piece], name: str, given: Means, context: ScanContext
) -> tuple[list[Found], str]:
    """What is found in each piece, at the lines of its log; a piece that breaks trivy is a gap.

    Args:
        pieces: of any logs.
        name: of the scanner.
        given: tool and key.
        context: of the run.

    Returns:
        Secrets and gaps by piece, and how trivy was confined.

    Raises:
        TrivyFailed: trivy failed, or missed its canary.
        ToolError: it was ended.
    """
    files = {f"{number:06}.log": piece for number, piece in enumerate(pieces)}
    (outcome,) = _batch(name, given, context).scan([_unit(files)])
    if isinstance(outcome, TrivyFailed):
        raise outcome
    result = []
    for file, piece in files.items():
        found = (each for each in outcome.observations if each.place.path == file)
        gaps = tuple(gap for gap in outcome.gaps if gap.path == file)
        result.append((tuple(_moved(each, piece.line - 1) for each in found), gaps))
    lost = [gap for gap in outcome.gaps if gap.path not in files]
    if lost:
        raise TrivyFailed(f"trivy did not look at everything: {lost[0].detail}")
    return result, outcome.sandbox


def prove_once(name: str, given: Means, key: ScanKey, context: ScanContext) -> None:
    """Makes sure that trivy finds what is planted.

    Raises:
        CannotScan: it does not.
    """
    _batch(name, given, context).prove_once(name, key)


def _batch(name: str, given: Means, context: ScanContext) -> Batch:
    return Batch(KINDS, given, context, _Reader(name, given.key))


class _Pieces:
    """The part of a snapshot that a batch uses."""

    def __init__(self, files: Mapping[str, Piece]) -> None:
        self._files = files

    def export(self, destination: Path, entries: Iterable[Entry]) -> tuple[Gap, ...]:
        for entry in entries:
            (destination / entry.path).write_bytes(self._files[entry.path].content)
        return ()


class _Reader:
    """Reads trivy's results on pieces."""

    def __init__(self, scanner: str, key: SecretKey | None) -> None:
        self._scanner = scanner
        self._key = key

    def __call__(
        self,
        _unit: Unit,
        directory: Path,
        results: Sequence[dict[str, Any]],
        _blunted: Mapping[str, str],
    ) -> TreeReport:
        found = []
        for result in results:
            path = str(result.get("Target") or "")
            entries = result.get("Secrets") or ()
            if entries and self._key is not None:
                content = (directory / path).read_bytes()
                for entry in entries:
                    found.append(secret(self._scanner, entry, Place(path), content, self._key))
        return TreeReport(tuple(dict.fromkeys(found)), evidence=tuple(evidence_of(results)))


def _unit(files: Mapping[str, Piece]) -> Unit:
    entries = tuple(
        Entry(name, name, executable=False, size=len(piece.content))
        for name, piece in files.items()
    )
    return Unit(cast(Snapshot, _Pieces(files)), entries)


def _moved(observation: Observation, lines: int) -> Observation:
    """At the lines of the log, without a path: logs are renamed."""
    place = observation.place
    line = None if place.line is None else place.line + lines
    end_line = None if place.end_line is None else place.end_line + lines
    return replace(observation, place=Place("", line, end_line))
