"""Line maps for any pairs of blobs, from one git process however many there are.

The pairs become the files of two trees that exist only for this: git then compares tree with tree.
No name of the repository takes part, so that none can disturb the reading of the diff.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from compline.findings.change import Hunk, LineMap
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.objects import sizes_of
from compline.source.process import Finished

Pair = tuple[str, str]
"""Ids of the old and the new blob."""

_HASHES = {40: hashlib.sha1, 64: hashlib.sha256}
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_FILE = re.compile(rb"diff --git a/(\d{8}) b/")


def line_maps(git: Git, pairs: Collection[Pair]) -> dict[Pair, LineMap]:
    """A map for each pair whose blobs are both there and within `limits.file_kb`.

    Raises:
        SourceError: git failed or took too long.
    """
    sizes = sizes_of(git, {oid for pair in pairs for oid in pair}) if pairs else {}
    largest = git.limits.file_kb << 10
    fit = sorted(p for p in set(pairs) if all(sizes.get(oid, largest + 1) <= largest for oid in p))
    if not fit:
        return {}
    with tempfile.TemporaryDirectory(prefix="compline-compare-") as name:
        objects = Path(name)
        trees = [_write_tree(objects, [pair[side] for pair in fit]) for side in (0, 1)]
        hunks: dict[int, list[Hunk]] = {index: [] for index in range(len(fit))}
        for index, hunk in _hunks(git, objects, trees):
            hunks[index].append(hunk)
    return {pair: LineMap(tuple(hunks[index])) for index, pair in enumerate(fit)}


def _write_tree(objects: Path, blobs: Sequence[str]) -> str:
    content = b"".join(
        b"100644 %08d\0" % index + bytes.fromhex(oid) for index, oid in enumerate(blobs)
    )
    data = b"tree %d\0" % len(content) + content
    oid = _HASHES[len(blobs[0])](data, usedforsecurity=False).hexdigest()
    place = objects / oid[:2]
    place.mkdir(exist_ok=True)
    (place / oid[2:]).write_bytes(zlib.compress(data, 1))
    return oid


def _hunks(git: Git, objects: Path, trees: Sequence[str]) -> Iterator[tuple[int, Hunk]]:
    """(number of the pair, hunk) in order."""
    arguments = (
        *("diff-tree", "-r", "-p", "--unified=0", "--no-renames", "--no-color"),
        # The repository's attributes must not make a file binary or start a program.
        *("--text", "--no-ext-diff", "--no-textconv"),
        *("--src-prefix=a/", "--dst-prefix=b/"),
    )
    with git.start(
        *arguments, *trees, variables={"GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(objects)}
    ) as process:
        process.finish_input()
        rest, index = b"", -1
        while chunk := process.read():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"@@ ") and (found := _HUNK.match(line)):
                    old, old_count, new, new_count = found.groups(default=b"1")
                    yield index, Hunk(int(old), int(old_count), int(new), int(new_count))
                elif found := _FILE.match(line):
                    index = int(found[1])
        if code := process.wait():
            raise failure(
                f"{git.directory} cannot compare contents",
                Finished(code, b"", bytes(process.stderr)),
            )


def _quoted(path: Path) -> str:
    """As git wants a path that may hold a colon."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
