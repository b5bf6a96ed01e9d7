"""The Hub's answers about models as versions and files. Pure.

Shapes: https://huggingface.co/.well-known/openapi.json (`/api/models`, `refs`, `tree`), and how the
Hub's own client reads them (https://github.com/huggingface/huggingface_hub, `hf_api.py`:
`GitRefInfo`, `RepoFile`): a file tells git's object id, and where its content is kept beside git
(LFS, Xet) the SHA-256 of that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact
from compline.scanners.models.names import one_part, printable, version_order

MAIN = "main"
"""The branch that every repository of the Hub has; it is loaded where nothing else is said."""
SHA256, GIT = "sha256:", "git:"
"""What validators begin with: of the content, or of git's blob of it."""
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,96}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Malformed(Exception):
    """An answer of another shape; the message quotes none of it."""


@dataclass(frozen=True)
class Ref:
    """A branch or a tag, and what it pointed to when it was asked for."""

    version: str
    """As places name it: `main`, `v1.0`, `feature%2Fx`; with `branch:` or `tag:` before it where
    both are called the same."""
    commit: str
    branch: bool


@dataclass(frozen=True)
class Refs:
    """The versions of one model."""

    versions: tuple[Ref, ...]
    """Branches, tags, and `main`: the last one is what will be released next."""
    ambiguous: tuple[str, ...] = ()
    """What both a branch and a tag are called."""


def names_of(page: Iterable[Any], organisation: str) -> list[str]:
    """The names of an organisation's models, without its own.

    Raises:
        Malformed: also where there is one of somebody else's.
    """
    found = []
    for each in page:
        owner, _, name = _text(each, "id").partition("/")
        if owner.lower() != organisation.lower():
            raise Malformed("models of another owner are listed")
        if not _NAME.fullmatch(name):
            raise Malformed("a model's name is none")
        found.append(name)
    return found


def version_of(name: str) -> str:
    """How a branch or a tag is called as a part of a place; no two of them alike."""
    return one_part(name.replace("%", "%25"))


def refs_of(answer: Any) -> Refs:
    """Branches and tags.

    Raises:
        Malformed: the answer is of another shape.
    """
    found = [
        Ref(version_of(name), commit, branch=kind == "branches")
        for kind in ("branches", "tags")
        for name, commit in (_ref(each) for each in _list(answer, kind))
    ]
    number = Counter(each.version for each in found)
    named = []
    for each in found:
        kind = "branch" if each.branch else "tag"
        # A colon is in no ref of git's, so that this is nobody else's name.
        version = each.version if number[each.version] == 1 else f"{kind}:{each.version}"
        named.append(Ref(version, each.commit, each.branch))
    if len({each.version for each in named}) < len(named):
        raise Malformed("two branches or tags have one name")
    named.sort(key=lambda ref: (ref.version == MAIN, not ref.branch, version_order(ref.version)))
    return Refs(tuple(named), tuple(name for name, count in number.items() if count > 1))


def files_of(
    entries: Iterable[Any], model: str, ref: Ref, repository: str
) -> tuple[list[Artifact], list[Gap]]:
    """The files of a tree, and what is none.

    Args:
        entries: of the whole tree, folders among them.
        model: as places name it.
        ref: whose tree it is.
        repository: `ORGANISATION/MODEL`, to download from.

    Raises:
        Malformed: an entry is of another shape, or a path is listed twice with two contents.
    """
    found: dict[str, Artifact] = {}
    gaps: dict[Gap, None] = {}
    for each in entries:
        path, kind = _text(each, "path"), _text(each, "type")
        place = f"{model}/{ref.version}/{printable(path)}"
        if kind == "directory":
            continue
        if kind != "file":
            gaps[Gap(GapReason.UNSUPPORTED, place, "it is neither a file nor a folder")] = None
            continue
        if any(part in ("", ".", "..") for part in path.split("/")):
            gaps[Gap(GapReason.BAD_NAME, place, "no file of git's has such a path")] = None
            continue
        size, validator = _content(each)
        where = f"{repository}/resolve/{ref.commit}/{quote(path)}"
        one = Artifact(printable(path), size, model, ref.version, validator, where=where)
        if found.setdefault(one.path, one) != one:
            raise Malformed("a path is listed twice")
    return list(found.values()), list(gaps)


def _content(entry: Any) -> tuple[int, str]:
    """Size and validator."""
    told = entry.get("lfs")
    held, form, begins = (entry, _COMMIT, GIT) if told is None else (told, _SHA256, SHA256)
    size, oid = held.get("size") if isinstance(held, Mapping) else None, _text(held, "oid")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not form.fullmatch(oid):
        raise Malformed("a file has no size, or no digest")
    return size, begins + oid


def _ref(value: Any) -> tuple[str, str]:
    name, commit = _text(value, "name"), _text(value, "targetCommit")
    if not name or ":" in name or not _COMMIT.fullmatch(commit):
        raise Malformed("a branch or a tag has no name, or no commit")
    return name, commit


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, list):
        raise Malformed(f"there are no {key}")
    return found


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, str):
        raise Malformed(f"an entry has no {key}")
    return found
