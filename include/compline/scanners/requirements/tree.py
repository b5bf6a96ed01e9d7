"""All manifests of one tree: found, read by blob, joined through their includes."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from compline.model import Gap, GapReason
from compline.scanners.requirements.find import Kind, kind_of
from compline.scanners.requirements.model import Manifest, Problem
from compline.scanners.requirements.read import Unreadable, read_manifest

_MOST_FILES = 20_000
_MOST_ROUNDS = 20
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_OPAQUE = {
    "setup.py": b"install_requires",
    "setup.cfg": b"install_requires",
    "environment.yml": b"dependencies",
    "environment.yaml": b"dependencies",
}

Read = Callable[[Iterable[str]], Iterator[tuple[str, bytes | None]]]
"""Object ids to pairs of id and content, None where the object is missing."""


@dataclass(frozen=True)
class Found:
    """One manifest of the tree."""

    path: str
    blob: str
    kind: Kind
    manifest: Manifest


@dataclass(frozen=True)
class TreeRequirements:
    """What a tree requires, and what of that could not be made out."""

    manifests: tuple[Found, ...]
    gaps: tuple[Gap, ...]


def read_tree(blobs: Mapping[str, str], read: Read) -> TreeRequirements:
    """Reads all manifests of a tree.

    Args:
        blobs: path to object id, of every file that is not left out.
        read: gives the objects' content.
    """
    wanted: dict[str, Kind] = {}
    for path in blobs:
        kind = kind_of(path)
        if kind == "inputs":
            kind = None if f"{path[:-3]}.txt" in blobs else "requirements"
        if kind is not None:
            wanted[path] = kind
    gaps: list[Gap] = []
    found: dict[str, Found] = {}
    waiting = dict(wanted)
    for _ in range(_MOST_ROUNDS):
        if len(found) + len(waiting) > _MOST_FILES:
            waiting = dict(list(waiting.items())[: _MOST_FILES - len(found)])
            gaps.append(Gap(GapReason.TOO_MANY, "", f"more than {_MOST_FILES} manifests"))
        for each, problems in _read_all(waiting, blobs, read):
            gaps += problems
            if each is not None:
                found[each.path] = each
        if len(found) >= _MOST_FILES:
            break
        waiting, missing = _included(found, blobs)
        if not waiting:
            gaps += missing
            break
    else:
        gaps.append(Gap(GapReason.TOO_MANY, "", f"includes more than {_MOST_ROUNDS} deep"))
    settled = [_settled(found[path], found) for path in sorted(found)]
    for each in settled:
        gaps += _gaps_of(each)
    return TreeRequirements(tuple(settled), tuple(gaps))


def _read_all(
    wanted: Mapping[str, Kind], blobs: Mapping[str, str], read: Read
) -> Iterator[tuple[Found | None, list[Gap]]]:
    by_blob: dict[str, list[str]] = {}
    for path in wanted:
        by_blob.setdefault(blobs[path], []).append(path)
    for blob, content in read(by_blob):
        for path in by_blob[blob]:
            kind = wanted[path]
            if content is None:
                gap = Gap(GapReason.MISSING_OBJECT, path, "git does not have the content")
                yield None, [gap]
            elif kind == "opaque":
                yield None, _opaque(path, content)
            else:
                try:
                    manifest = read_manifest(kind, content)
                except Unreadable as error:
                    yield None, [Gap(GapReason.UNPARSED, path, str(error))]
                else:
                    yield Found(path, blob, kind, manifest), []


def _opaque(path: str, content: bytes) -> list[Gap]:
    name = posixpath.basename(path)
    if _OPAQUE[name] not in content:
        return []
    detail = (
        "conda's packages are not looked up"
        if name.startswith("environment")
        else "what it requires is known only by executing it"
    )
    return [Gap(GapReason.UNSUPPORTED, path, detail)]


def _included(
    found: Mapping[str, Found], blobs: Mapping[str, str]
) -> tuple[dict[str, Kind], list[Gap]]:
    """Files that the manifests name and that were not read yet, and those that cannot be."""
    further: dict[str, Kind] = {}
    missing = []
    for each in found.values():
        for include in each.manifest.includes:
            path = resolve(each.path, include.path)
            if path is None or path not in blobs:
                outside = "outside of the repository" if path is None else "that is not there"
                missing.append(Gap(GapReason.UNPARSED, each.path, f"it includes a file {outside}"))
            elif path not in found:
                kind: Kind = "constraints" if include.constraint else "requirements"
                if further.get(path) != "requirements":
                    further[path] = kind
    return further, missing


def resolve(manifest: str, include: str) -> str | None:
    """The included file's path in the tree; None where it is no file of the tree."""
    if "://" in include or include.startswith(("/", "~")) or "\\" in include or "$" in include:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), include))
    return None if path.startswith("../") or path in ("..", ".") else path


def _settled(each: Found, found: Mapping[str, Found]) -> Found:
    """With only those unpinned that nothing beside the manifest pins."""
    unpinned = each.manifest.unpinned
    if each.kind == "constraints" or (each.kind == "pyproject" and _locked(each.path, found)):
        unpinned = ()
    elif unpinned:
        pinned = {
            pin.name
            for include in each.manifest.includes
            if include.constraint
            and (constraints := found.get(resolve(each.path, include.path) or ""))
            for pin in constraints.manifest.pins
        }
        unpinned = tuple(item for item in unpinned if item.name not in pinned)
    return replace(each, manifest=replace(each.manifest, unpinned=unpinned))


def _locked(pyproject: str, found: Mapping[str, Found]) -> bool:
    """Whether a lock lies beside it or above it (a workspace has one lock for all)."""
    folder = posixpath.dirname(pyproject)
    while True:
        if any(posixpath.join(folder, lock) in found for lock in _LOCKS):
            return True
        if not folder:
            return False
        folder = posixpath.dirname(folder)


def _gaps_of(each: Found) -> list[Gap]:
    manifest, gaps = each.manifest, []
    if manifest.unpinned:
        names = tuple(sorted({f"pypi:{item.name}" for item in manifest.unpinned}))
        detail = "requirements without an exact version"
        gaps.append(Gap(GapReason.UNPINNED, each.path, detail, len(names), names))
    for reason, problems in (
        (GapReason.UNPARSED, manifest.unreadable),
        (GapReason.UNRESOLVED, manifest.unresolved),
    ):
        by_detail: dict[str, list[Problem]] = {}
        for problem in problems:
            by_detail.setdefault(problem.detail, []).append(problem)
        for detail, items in by_detail.items():
            # A problem without a subject says nothing of which package it is: of the whole file.
            named = all(item.subject for item in items)
            subjects = {f"pypi:{item.subject}" for item in items} if named else set()
            lines = ", ".join(str(item.line) for item in items[:5] if item.line)
            text = f"{detail} (line {lines})" if lines else detail
            gaps.append(Gap(reason, each.path, text, len(items), tuple(sorted(subjects))))
    return gaps
