"""Trivy's JSON of another place, over trees and images, by the code that reads our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from compline.model import Observation, Place
from compline.scanners.imports.report import Broken, Json, Reading, Settings, spans
from compline.scanners.imports.sources import Sources
from compline.scanners.trivy.comments import suppression
from compline.scanners.trivy.image_reader import IMAGE_CONFIG, OS_PACKAGES
from compline.scanners.trivy.packages import (
    ListedPackage,
    advisory,
    known_vulnerability,
    packages_of,
)
from compline.scanners.trivy.report import licences, misconfiguration, rule_of, secret

SHAPE = {
    "SchemaVersion": True,
    "Trivy": {"Version": True},
    "ArtifactName": True,
    "ArtifactType": True,
    "Metadata": {"OS": {"Family": True, "Name": True, "EOSL": True}, "ImageID": True},
    "Results": [
        {
            "Target": True,
            "Class": True,
            "Type": True,
            "Packages": [
                {
                    "Name": True,
                    "Version": True,
                    "Identifier": {"PURL": True},
                    "FilePath": True,
                    "Dev": True,
                    "Locations": [{"StartLine": True, "EndLine": True}],
                }
            ],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": True,
                    "VendorIDs": [True],
                    "PkgName": True,
                    "PkgPath": True,
                    "PkgIdentifier": {"PURL": True},
                    "InstalledVersion": True,
                    "FixedVersion": True,
                    "Severity": True,
                    "Title": True,
                    "PrimaryURL": True,
                    "CweIDs": [True],
                    "CVSS": {"*": {"V2Vector": True, "V3Vector": True, "V40Vector": True}},
                }
            ],
            "Misconfigurations": [
                {
                    "ID": True,
                    "AVDID": True,
                    "Title": True,
                    "Severity": True,
                    "Status": True,
                    "Resolution": True,
                    "PrimaryURL": True,
                    "CauseMetadata": {"StartLine": True, "EndLine": True, "Resource": True},
                }
            ],
            "Secrets": [
                {
                    "RuleID": True,
                    "Category": True,
                    "Severity": True,
                    "Title": True,
                    "StartLine": True,
                    "EndLine": True,
                }
            ],
            "Licenses": [{"PkgName": True, "Name": True, "FilePath": True, "Severity": True}],
        }
    ],
}
_MADE_UP = frozenset({"os-pkgs", "license", "license-file"})
"""Classes of results whose target is no file's name."""


def read(document: Json, sources: Sources, settings: Settings) -> list[Reading]:
    """What the report says.

    Raises:
        Broken: parts of it are missing, or it speaks of another tree.
    """
    if document.get("SchemaVersion") != 2:
        raise Broken(f"Trivy's report has the form {document.get('SchemaVersion')}, not 2")
    if not document.get("ArtifactType"):
        raise Broken("Trivy's report does not say what it is about")
    results: Any = document.get("Results") or ()
    try:
        of_image = document["ArtifactType"] in ("container_image", "vm")
        if not of_image:
            sources.settle(
                str(each["Target"]) for each in results if each.get("Class") not in _MADE_UP
            )
        found = [
            one for each in results for one in _Result(each, document, sources, settings).all()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Broken(f"a result of Trivy's report is not whole ({type(error).__name__})") from None
    version = str((document.get("Trivy") or {}).get("Version") or "")
    return [Reading("trivy", version, tuple(dict.fromkeys(found)))]


class _Result:
    """One of the report's results."""

    scanner = "import:trivy"

    def __init__(self, result: Json, document: Json, sources: Sources, settings: Settings) -> None:
        self._result = result
        self._sources = sources
        self._settings = settings
        target = str(result["Target"])
        self._os = result.get("Class") == "os-pkgs"
        if target == document.get("ArtifactName") and not sources.there:
            self._path = IMAGE_CONFIG
        else:
            self._path = "" if self._os else sources.path(target)

    def all(self) -> Iterator[Observation]:
        """Everything in it."""
        yield from self._vulnerabilities()
        yield from self._misconfigurations()
        yield from self._secrets()
        yield from self._licences()

    def _vulnerabilities(self) -> Iterator[Observation]:
        listed = {
            (package.name, package.version): package
            for package in packages_of(self._result, self._path)
        }
        for entry in self._result.get("Vulnerabilities") or ():
            name, version = str(entry["PkgName"]), str(entry["InstalledVersion"])
            path = self._sources.path(str(entry["PkgPath"])) if entry.get("PkgPath") else self._path
            package = ListedPackage(
                str(self._result.get("Type") or ""),
                name,
                version,
                str((entry.get("PkgIdentifier") or {}).get("PURL") or ""),
                f"{OS_PACKAGES}{name}" if self._os else path,
            )
            known = listed.get((name, version))
            if known is not None:
                package = replace(package, line=known.line, end_line=known.end_line, dev=known.dev)
            blob = self._sources.blob(package.path)
            yield advisory(self.scanner, package, known_vulnerability(entry), blob)

    def _misconfigurations(self) -> Iterator[Observation]:
        content = self._sources.content(self._path)
        text = None if content is None else content.decode(errors="replace")
        place = Place(self._path, blob=self._sources.blob(self._path))
        for entry in self._result.get("Misconfigurations") or ():
            if entry.get("Status") != "FAIL":
                continue
            line = (entry.get("CauseMetadata") or {}).get("StartLine")
            yield misconfiguration(
                self.scanner,
                entry,
                place,
                content=text,
                key=self._settings.key,
                located=self._path != IMAGE_CONFIG,
                suppression=suppression(text, line, rule_of(entry)) if text and line else "",
            )

    def _secrets(self) -> Iterator[Observation]:
        place = Place(self._path, blob=self._sources.blob(self._path))
        content = self._sources.content(self._path)
        for entry in self._result.get("Secrets") or ():
            if self._settings.key is None:
                raise Broken("it holds secrets, and there is no key to hash them with")
            yield secret(self.scanner, entry, place, content, self._settings.key)

    def _licences(self) -> Iterator[Observation]:
        entries = spans(self._result.get("Licenses") or ())
        places = {str(each.get("PkgName")): Place(self._path) for each in entries}
        packages = packages_of(self._result, self._path)
        ecosystem = packages[0].ecosystem if packages else "generic"
        yield from licences(self.scanner, entries, places, ecosystem, self._settings.policy)
