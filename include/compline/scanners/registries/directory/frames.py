"""A listing as frames and facts. Pure.

Frames: `files` (path, bytes, link); `modes` (path, owner, group, group_writes, world_writes), of
local files only. A fact per folder that holds files (MODEL/VERSION): another count, size or
validator of any file under the same version is told.
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from compline.model import Fact, Gap, GapReason, RegressionKind, digest_of
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.services import escaped

_MODES = ("path", "owner", "group", "group_writes", "world_writes")


def inventory_of(
    entries: Iterable[Mapping[str, Any]], gaps: tuple[Gap, ...], *, modes: bool
) -> Inventory:
    """The inventory of a listing.

    Args:
        entries: as fsspec gives them, with `path` below the root.
        gaps: what could not be listed.
        modes: whether entries have modes and owners.

    Raises:
        CannotCollect: an entry is of another shape.
    """
    listed = list(entries)
    try:
        files = [
            {"path": one["path"], "bytes": one.get("size") or 0, "link": bool(one.get("islink"))}
            for one in listed
            if one["type"] != "directory" or one.get("islink")
        ]
        held = [_mode(one) for one in listed if not one.get("islink")] if modes else []
        facts = tuple(_versions(listed))
    except (KeyError, TypeError, ValueError):
        raise CannotCollect("the listing cannot be read") from None
    frames = {"files": frame_of(("path", "bytes", "link"), files)}
    refused = {}
    if modes:
        frames["modes"] = frame_of(_MODES, held)
    else:
        detail = "a bucket has no modes: list it as a data store, which is asked who may write"
        refused["modes"] = Gap(GapReason.UNSUPPORTED, "mode/", detail)
    return Inventory(frames, refused, gaps, facts)


def _mode(one: Mapping[str, Any]) -> dict[str, Any]:
    mode = int(one["mode"])
    return {
        "path": one["path"],
        "owner": one.get("owner") or _user(int(one["uid"])),
        "group": one.get("group") or _group(int(one["gid"])),
        "group_writes": bool(mode & stat.S_IWGRP),
        # In a folder with the sticky bit only a file's owner may replace it.
        "world_writes": bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX,
    }


def _versions(listed: Iterable[Mapping[str, Any]]) -> Iterator[Fact]:
    found: defaultdict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for one in listed:
        if one["type"] == "directory":
            continue
        folder, _, name = str(one["path"]).rpartition("/")
        version = "/".join(folder.split("/")[:2])
        inner = "/".join([*folder.split("/")[2:], name])
        found[version].append((inner, int(one.get("size") or 0), _validator(one)))
    for version, files in sorted(found.items()):
        if not version:
            continue  # files beside the models are no version
        size = sum(length for _, length, _ in files)
        seen = digest_of(sorted(files))[:12]
        yield Fact(
            RegressionKind.MODEL_CHANGED,
            escaped(f"version/{version}"),
            f"{len(files)} files of {size} bytes ({seen})",
            title=escaped(version)[:160],
        )


def _validator(one: Mapping[str, Any]) -> str:
    """What the storage itself calls the content: the best that it tells."""
    for key in ("ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "created"):
        if one.get(key):
            return str(one[key])
    return ""


@cache
def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@cache
def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
