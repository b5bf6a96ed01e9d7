"""Matches an image's packages, as its CycloneDX document lists them, to the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from compline.advisories.trivydb import TrivyDatabase
from compline.model import Gap, GapReason, Observation
from compline.scanners.interface import ScanContext
from compline.scanners.trivy.command import Means, scratch
from compline.scanners.trivy.image_canary import check_os_canary, os_canary, source_of
from compline.scanners.trivy.image_reader import OS_PACKAGES, listed_in
from compline.scanners.trivy.matching import add_components, check_canary, language_canary
from compline.scanners.trivy.packages import (
    ListedPackage,
    advisory,
    database_prefix,
    vulnerabilities_of,
)
from compline.scanners.trivy.report import Json

_MOST_SUBJECTS = 500
"""Named in one gap."""


@dataclass(frozen=True)
class MatchedImage:
    """What the database says of an image."""

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    end_of_life: str
    """Name and version of the operating system if it is no longer maintained, else empty."""
    packages: int


matched_image: TypeAdapter[MatchedImage] = TypeAdapter(MatchedImage)


def match_image(
    sbom: bytes, given: Means, context: ScanContext, scanner: str
) -> tuple[MatchedImage, str]:
    """Looks up all packages of a document; gives the sandbox too.

    Raises:
        TrivyFailed: trivy failed, or missed a canary.
        ToolError: it was ended.
    """
    database = given.database
    assert database is not None  # noqa: S101 - the caller has looked
    document: dict[str, Any] = json.loads(sbom)
    listed = {
        str(each.get("bom-ref")): _subject(each)
        for each in document.get("components") or ()
        if each.get("type") == "library" and each.get("purl")
    }
    family, version = operating_system(document)
    source = source_of(family, version, database)
    language = language_canary(database)
    add_components(document, language)
    planted = os_canary(family, version, source, database) if source else None
    if planted is not None:
        document["components"].append(planted)
    with scratch(given, context.workspace) as trivy:
        path = trivy.directory / "image.cdx.json"
        path.write_text(json.dumps(document))
        report, finished = trivy.scan("sbom", ["--scanners", "vuln", path])
    found = vulnerabilities_of(report)
    check_canary(found, language)
    check_os_canary(found, planted)
    observations: list[Observation] = []
    types: dict[str, set[str]] = {}
    reported: set[str] = set()
    for result in report.get("Results") or ():
        for package, entry in zip(listed_in(result), result.get("Packages") or (), strict=True):
            reference = str((entry.get("Identifier") or {}).get("BOMRef") or "")
            if reference not in listed:
                continue
            reported.add(reference)
            if result.get("Class") != "os-pkgs":
                types.setdefault(package.type, set()).add(package.subject)
            observations += [
                advisory(scanner, package, known) for known in found.get(reference, ())
            ]
    gaps = [*_unknown_types(types, database)]
    if family and not source:
        detail = f"the vulnerability database has nothing of {family} {version}"
        gaps.append(Gap(GapReason.UNSUPPORTED, OS_PACKAGES, detail))
    silent = sorted(listed[reference] for reference in set(listed) - reported)
    if silent:
        detail = "packages that trivy did not look up"
        some = tuple(silent[:_MOST_SUBJECTS])
        gaps.append(Gap(GapReason.NOT_REPORTED, "", detail, len(silent), some))
    system: Json = (report.get("Metadata") or {}).get("OS") or {}
    end_of_life = f"{family} {version}" if system.get("EOSL") else ""
    matched = MatchedImage(
        tuple(dict.fromkeys(observations)), tuple(gaps), end_of_life, len(reported)
    )
    return matched, finished.sandbox


def operating_system(document: Json) -> tuple[str, str]:
    """Family and version; empty where the document has none."""
    for component in document.get("components") or ():
        if component.get("type") == "operating-system":
            return str(component.get("name") or ""), str(component.get("version") or "")
    return "", ""


def _unknown_types(types: Mapping[str, set[str]], database: TrivyDatabase) -> list[Gap]:
    gaps = []
    for type_, subjects in sorted(types.items()):
        prefix = database_prefix(type_)
        if not prefix or not any(source.startswith(prefix) for source in database.sources):
            detail = f"the vulnerability database has nothing of {type_} packages"
            some = tuple(sorted(subjects)[:_MOST_SUBJECTS])
            gaps.append(Gap(GapReason.UNSUPPORTED, "", detail, len(subjects), some))
    return gaps


def _subject(component: Json) -> str:
    """What findings about a component of the document are about."""
    name = "/".join(str(component[part]) for part in ("group", "name") if component.get(part))
    version, purl = str(component.get("version") or ""), str(component["purl"])
    return ListedPackage("", name, version, purl, "").subject
