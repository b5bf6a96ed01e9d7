"""Names of git refs and objects: what is accepted, and how a ref's name becomes one of ours."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from compline.source.errors import SourceError

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_LONGEST = 1024
_LONGEST_QUOTED = 180
"""Bytes of one file name in refs/; file systems allow 255, git adds `.lock`."""


def is_object_id(text: str) -> bool:
    """Whether it is a full object id (SHA-1 or SHA-256), as opposed to a name or abbreviation."""
    return _OBJECT_ID.fullmatch(text) is not None


def check_object_id(text: str) -> str:
    """The same id.

    Raises:
        ValueError: not a full id; such a thing must never reach a git command.
    """
    if not is_object_id(text):
        raise ValueError(f"not a full git object id: {text[:80]!a}")
    return text


def check_ref(ref: str) -> str:
    """The same name, where `git check-ref-format` would accept it (one level is enough).

    Raises:
        SourceError: not a name that a branch or tag can have.
    """
    parts = ref.split("/")
    if (
        not ref
        or len(ref) > _LONGEST
        or ref == "@"
        or ref.startswith(("-", "/"))
        or ref.endswith(("/", "."))
        or _FORBIDDEN.search(ref)
        or any(part.startswith(".") or part.endswith(".lock") for part in parts)
        or not ref.isprintable()
    ):
        raise SourceError(
            f"{ref[:80]!a} is not a name that a branch or tag can have: "
            "see `git help check-ref-format`"
        )
    return ref


def quoted(ref: str) -> str:
    """One component for our own refs: distinct for distinct refs, safe as a file's name."""
    name = quote(ref or "HEAD", safe="").replace(".", "%2E").replace("~", "%7E")
    if len(name) > _LONGEST_QUOTED:
        return name[:100].rstrip("%") + "%-" + hashlib.sha256(ref.encode()).hexdigest()
    return name
