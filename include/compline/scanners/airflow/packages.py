"""Airflow's own packages held against the configured advisories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import osv_origin
from compline.advisories.severity import of_record
from compline.model import Gap, GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.services import one_line


def advisory_rows(
    installed: Mapping[str, str], asked: Asked
) -> tuple[list[dict[str, Any]], list[Gap]]:
    """The frame `advisories`: one row per package and advisory, and one per package without any.

    What cannot be looked up is a gap.
    """
    settings = asked.config.advisories
    rows: list[dict[str, Any]] = []
    gaps: list[Gap] = []
    try:
        origin = osv_origin(settings, asked.config.workspace, asked.now)
        source = origin.load()
    except AdvisoryError as error:
        return [], [Gap(GapReason.UNRESOLVED, "package/", one_line(str(error)))]
    try:
        for name, text in sorted(installed.items()):
            try:
                records = source.affecting(name, Version(text))
            except InvalidVersion:
                gaps.append(Gap(GapReason.UNRESOLVED, f"package/{name}/", f"version {text}"))
                continue
            except AdvisoryError as error:
                gaps.append(Gap(GapReason.UNRESOLVED, "package/", one_line(str(error))))
                break
            rows += [_row(name, text, record) for record in records]
            rows.append(row_of(name, text))
    finally:
        source.close()
    return rows, gaps


def row_of(
    name: str, version: str, advisory: str = "none", severity: str = "none", known_as: str = ""
) -> dict[str, Any]:
    """A row; without an advisory it says that the package was looked up."""
    return {
        "package": name,
        "version": version,
        "advisory": advisory,
        "severity": severity,
        "known_as": known_as,
    }


def _row(name: str, version: str, record: Mapping[str, Any]) -> dict[str, Any]:
    ids = sorted({str(record["id"]), *map(str, record.get("aliases") or ())})
    # The id that stays whichever database tells it.
    best = next((one for one in ids if one.startswith("CVE-")), ids[0])
    return row_of(name, version, best, of_record(dict(record))[0].value, " ".join(ids))
