"""Secrets by content: a file whose blob was scanned before is not scanned for secrets again.

Of a source file trivy reads nothing but its secrets, and those depend on its content alone. So
of a tree that has changed a little, only the changed sources need to be scanned, besides the files
that say something of the tree as a whole (locks, Dockerfiles, manifests of deployments).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from compline.model import FindingKind, Gap, GapReason, Observation, Place, ScanKey
from compline.scanners.interface import ScanContext
from compline.source.snapshot import Entry

_SOURCES = frozenset(
    """
    py pyi pyx js jsx mjs cjs ts tsx vue svelte css scss less html htm md rst po mo ipynb c h cc cpp
    hpp cu cuh go rs java kt swift rb php sh bash sql csv tsv svg png jpg jpeg gif ico webp bmp woff
    woff2 ttf otf eot mp3 mp4 wav ogg webm avi mov pdf snap
    """.split()  # noqa: SIM905 - readable as text
)
"""Suffixes of files in which neither package lists nor checks of configurations look."""
_NOT_SOURCES = frozenset({"conanfile.py"})
_Found = tuple[Observation, ...]
_found: TypeAdapter[_Found] = TypeAdapter(_Found)


def is_source(path: str) -> bool:
    """Whether nothing but secrets is looked for in the file."""
    name = path.rpartition("/")[2]
    return "." in name and name.rpartition(".")[2].lower() in _SOURCES and name not in _NOT_SOURCES


def known_secrets(
    entries: Iterable[Entry], key: ScanKey, context: ScanContext
) -> dict[str, tuple[Observation, ...]]:
    """Secrets of source files by blob, of those that were scanned before; often none."""
    names = {f"secrets:{entry.oid}": entry.oid for entry in entries if is_source(entry.path)}
    kept = context.cache.get_many("trivy", key, names)
    return {names[name]: _found.validate_json(value) for name, value in kept.items()}


def keep_secrets(
    entries: Sequence[Entry],
    observations: Iterable[Observation],
    gaps: Iterable[Gap],
    key: ScanKey,
    context: ScanContext,
) -> None:
    """Keeps what was found in the sources among the entries, and that nothing was found."""
    broken = [gap for gap in gaps if gap.reason in (GapReason.CRASHED, GapReason.MISSING_OBJECT)]
    by_path: dict[str, list[Observation]] = defaultdict(list)
    for observation in observations:
        if observation.kind is FindingKind.SECRET:
            by_path[observation.place.path].append(observation)
    values = {
        f"secrets:{entry.oid}": _found.dump_json(
            tuple(at_path(observation, "") for observation in by_path[entry.path]),
            exclude_defaults=True,
        )
        for entry in entries
        if is_source(entry.path) and not any(gap.covers(entry.path) for gap in broken)
    }
    context.cache.put_many("trivy", key, values)


def at_path(observation: Observation, path: str) -> Observation:
    """The same secret in a file of the same content at another path."""
    place = observation.place
    moved = Place(path, place.line, place.end_line, blob=place.blob)
    return replace(observation, place=moved)
