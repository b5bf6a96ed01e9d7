"""Whether an OSV record affects a version of a PyPI package, and which versions mend it.

After the evaluation that the OSV schema prescribes: a version is affected if it is listed, or if
it lies in a range (https://ossf.github.io/osv-schema/#evaluation).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from compline.advisories.records import Record


def parts_for(record: Record, name: str) -> Iterator[dict[str, Any]]:
    """The record's `affected` entries for a PyPI package.

    Args:
        record: an OSV record.
        name: normalised as PEP 503 says.
    """
    for part in record.get("affected") or ():
        package = part.get("package") or {}
        if package.get("ecosystem") == "PyPI" and canonicalize_name(package["name"]) == name:
            yield part


def affects(part: dict[str, Any], version: Version) -> bool:
    """Whether the `affected` entry holds for a version.

    A local build (`2.0.0+cu118`) counts as what it was built from.
    """
    public = Version(version.public)
    for text in part.get("versions") or ():
        listed = version_or_none(text)
        if listed is not None and listed in (version, public):
            return True
    return any(
        _in_range(each.get("events") or (), public)
        for each in part.get("ranges") or ()
        if each.get("type") in ("ECOSYSTEM", "SEMVER")
    )


def fixes_in(part: dict[str, Any]) -> list[Version]:
    """Versions that the entry names as mended, ascending."""
    texts = (
        event["fixed"]
        for each in part.get("ranges") or ()
        if each.get("type") in ("ECOSYSTEM", "SEMVER")
        for event in each.get("events") or ()
        if "fixed" in event
    )
    return sorted({found for found in map(version_or_none, texts) if found is not None})


def version_or_none(text: object) -> Version | None:
    """The version, or None for what PEP 440 does not know (releases of before 2014)."""
    try:
        return Version(str(text))
    except InvalidVersion:
        return None


def _in_range(events: Any, version: Version) -> bool:
    inside = False
    known = [event for event in map(_event, events) if event is not None]
    # Events at one version take effect in this order: what ends there ends before what begins.
    order = {"fixed": 0, "limit": 0, "introduced": 1, "last_affected": 2}
    for kind, at in sorted(known, key=lambda event: (event[1], order[event[0]])):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind in ("fixed", "limit") and version >= at) or (
            kind == "last_affected" and version > at
        ):
            inside = False
    return inside


def _event(event: dict[str, Any]) -> tuple[str, Version] | None:
    for kind in ("introduced", "fixed", "last_affected", "limit"):
        if kind in event:
            text = event[kind]
            at = Version("0.dev0") if text == "0" else version_or_none(text)
            return None if at is None else (kind, at)
    return None
