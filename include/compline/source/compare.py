"""The difference of two commits of a mirror, as the matcher wants it: renames and line maps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from compline.findings.change import TreeChange
from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.mirror import Mirror
from compline.source.naming import shown
from compline.source.pairs import Pair, line_maps
from compline.source.refs import check_object_id

_RENAMES = (("-M", "-l1000"), ("-M100%",), ("--no-renames",))
"""How renames are looked for, each cheaper than the one before: similar files (at most about a
thousand against a thousand), equal files, none. Looking for similar ones reads contents, which may
be missing, or made to take long."""
_OUTPUT = 1 << 28
"""Bytes: a million changed files."""
_REGULAR = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class _Changed:
    """One line of `git diff-tree --raw`."""

    status: str
    """First letter: A, D, M, T (another type), R."""
    old_path: bytes
    new_path: bytes
    blobs: Pair
    regular: bool
    """Whether it is a plain file on both sides."""


def compare(
    mirror: Mirror, old_commit: str, new_commit: str, line_maps_for: Collection[str]
) -> TreeChange:
    """What happened from one commit's tree to another's; neither need be the other's ancestor.

    `line_maps_for` names paths in the old tree: those that carry findings.

    Raises:
        SourceError: a commit is not in the mirror, or git failed or took too long.
    """
    git = mirror.git
    changes = _changes(git, check_object_id(old_commit), check_object_id(new_commit))
    wanted = {path.encode("utf-8", "surrogateescape") for path in line_maps_for}
    pairs = {
        change.blobs
        for change in changes
        if change.regular and change.old_path in wanted and change.blobs[0] != change.blobs[1]
    }
    return TreeChange(
        renames=dict(_renames(changes)),
        line_maps=line_maps(git, pairs),
        changed=_share(git, changes, new_commit),
        removed=frozenset(_removed(changes)),
        touched=frozenset(_touched(changes)),
    )


def _changes(git: Git, old: str, new: str) -> list[_Changed]:
    for options in _RENAMES:
        try:
            return list(_diff_tree(git, options, old, new))
        except SourceError as error:
            reason = error
    raise reason


def _diff_tree(git: Git, options: Collection[str], old: str, new: str) -> Iterator[_Changed]:
    finished = git.run(
        *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-ext-diff", "--no-textconv"),
        *options,
        *(f"{old}^{{commit}}", f"{new}^{{commit}}"),
        output_limit=_OUTPUT,
    )
    if finished.returncode:
        raise failure(f"{git.directory} cannot compare {old} with {new}", finished)
    words = iter(finished.stdout.split(b"\0"))
    for head in words:
        if not head:
            return
        old_mode, new_mode, old_blob, new_blob, status = head[1:].decode("ascii").split(" ")
        old_path = next(words)
        new_path = next(words) if status[0] == "R" else old_path
        regular = old_mode in _REGULAR and new_mode in _REGULAR
        yield _Changed(status[0], old_path, new_path, (old_blob, new_blob), regular)


def _renames(changes: Collection[_Changed]) -> Iterator[tuple[str, str]]:
    """Names that cannot be shown are written as a snapshot's gaps write them: a file that is
    renamed to one is in that gap with its findings, and comes out of it with them."""
    for change in changes:
        if change.status == "R":
            yield shown(change.old_path), shown(change.new_path)


def _removed(changes: Collection[_Changed]) -> Iterator[str]:
    return (shown(change.old_path) for change in changes if change.status == "D")


def _touched(changes: Collection[_Changed]) -> Iterator[str]:
    for change in changes:
        if change.status != "D" and len(set(change.blobs)) > 1:
            yield shown(change.new_path)


def _share(git: Git, changes: Collection[_Changed], commit: str) -> float:
    """Share of files added, removed or modified; a file that was only renamed is none of these."""
    differing = sum(change.status != "R" or len(set(change.blobs)) > 1 for change in changes)
    if not differing:
        return 0.0
    removed = sum(change.status == "D" for change in changes)
    return min(1.0, differing / (_count(git, commit) + removed))


def _count(git: Git, commit: str) -> int:
    count = 0
    with git.start("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit) as process:
        process.finish_input()
        while chunk := process.read():
            count += chunk.count(b"\0")
        # Where a tree is missing it stops early: the share then is an upper bound.
        process.wait()
    return max(1, count)
