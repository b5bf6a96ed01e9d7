"""OSV records by PyPI package: what the loopback service answers from when offline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.ranges import affects, parts_for, version_or_none
from compline.advisories.records import Record


class OsvIndex:
    """All advisories for PyPI packages that were not withdrawn."""

    def __init__(self, records: Iterable[Record], origin: str) -> None:
        """Reads them all.

        Args:
            records: OSV records of any ecosystem.
            origin: where they come from, for messages.

        Raises:
            AdvisoryError: none of them is about a PyPI package.
        """
        by_package: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            if record.get("withdrawn"):
                continue
            for name in _packages(record):
                by_package[name].append(record)
        if not by_package:
            raise AdvisoryError(f"{origin} holds no advisory for a PyPI package")
        self._by_package = dict(by_package)

    def affecting(self, name: str, version: Version) -> list[Record]:
        """The records that hold for a version of a package (its name as PEP 503 says)."""
        return [
            record
            for record in self._by_package.get(name, ())
            if any(affects(part, version) for part in parts_for(record, name))
        ]

    def known_vulnerable(self) -> tuple[str, str]:
        """A package and a version of it that surely have an advisory; always the same one.

        Raises:
            AdvisoryError: no record names a version, so nothing could be matched anyway.
        """
        for name in sorted(self._by_package):
            for record in self._by_package[name]:
                for text in _named_versions(record, name):
                    version = version_or_none(text)
                    if version is not None and self.affecting(name, version):
                        return name, str(version)
        raise AdvisoryError("none of the advisories names an affected version")

    def close(self) -> None:
        """Forgets the records."""
        self._by_package = {}


def _packages(record: Record) -> set[str]:
    return {
        canonicalize_name(package["name"])
        for part in record.get("affected") or ()
        if (package := part.get("package") or {}).get("ecosystem") == "PyPI"
        and isinstance(package.get("name"), str)
    }


def _named_versions(record: Record, name: str) -> Iterable[Any]:
    for part in parts_for(record, name):
        yield from part.get("versions") or ()
        for each in part.get("ranges") or ():
            for event in each.get("events") or ():
                yield from (event[key] for key in ("introduced", "last_affected") if key in event)
