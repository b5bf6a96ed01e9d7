"""What counts as an exact version."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def exact_version(specifiers: SpecifierSet) -> str | None:
    """The one release that satisfies the specifiers, None if others may.

    `==1.0` and `===1.0` are exact; `==1.*` and `<=1.0` are not.
    """
    for each in specifiers:
        if each.operator in ("==", "===") and not each.version.endswith(".*"):
            return normal_version(each.version)
    return None


def normal_version(text: str) -> str | None:
    """The version as PEP 440 writes it, None if it is none."""
    try:
        return str(Version(text))
    except InvalidVersion:
        return None
