"""Trivy's results on an image, read into observations while its archive is at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from compline.model import (
    Confidence,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    Place,
    Severity,
)
from compline.scanners.secret_identity import SecretKey, line_like
from compline.scanners.trivy.image_layers import Contents, config_of, look_into
from compline.scanners.trivy.licences import LicencePolicy
from compline.scanners.trivy.packages import ListedPackage, packages_of
from compline.scanners.trivy.problems import told
from compline.scanners.trivy.report import Json, licences, misconfiguration, secret

IMAGE_CONFIG = "image-config"
"""The path of what stands in the image's configuration."""
OS_PACKAGES = "os-packages/"
"""Where the operating system's packages are said to be."""
_ROOT_RULE = "DS-0002"
"""Trivy's check for a Dockerfile that ends as root; the configuration is what counts."""
_HISTORY = "Dockerfile"
"""What trivy calls the Dockerfile that it makes out of the image's history."""


class ImageReader:
    """Reads results under one scanner's name."""

    def __init__(
        self, scanner: str, kinds: Sequence[str], key: SecretKey | None, policy: LicencePolicy
    ) -> None:
        self._scanner = scanner
        self._kinds = kinds
        self._key = key
        self._policy = policy

    def read(
        self, report: Json, archive: Path, log: str
    ) -> tuple[list[Observation], list[Gap], list[ListedPackage]]:
        """What does not depend on the vulnerability database.

        Args:
            report: trivy's.
            archive: the image.
            log: trivy's.

        Raises:
            SourceError: the archive cannot be read any more.
        """
        results: Sequence[Json] = report.get("Results") or ()
        artifact = str(report.get("ArtifactName") or "")
        found: list[Observation] = []
        packages: list[ListedPackage] = []
        for result in results:
            packages += listed_in(result)
            path = _path(result, artifact)
            for entry in result.get("Misconfigurations") or ():
                if entry.get("Status") == "FAIL":
                    found.append(
                        misconfiguration(
                            self._scanner,
                            entry,
                            Place(path),
                            content=None,
                            key=self._key,
                            located=path != IMAGE_CONFIG,
                        )
                    )
        config = config_of(archive)
        if "misconfig" in self._kinds:
            found = [each for each in found if not _about_root(each)] + self._root(config)
        secrets = [
            (_path(result, artifact), entry)
            for result in results
            for entry in result.get("Secrets") or ()
        ]
        wanted = {(_layer(entry), path) for path, entry in secrets if path != IMAGE_CONFIG}
        contents = look_into(archive, wanted)
        if self._key is not None:
            found += [self._secret(path, entry, contents, config) for path, entry in secrets]
        places = {package.name: Place(package.path) for package in packages}
        ecosystems = {package.name: package.ecosystem for package in packages}
        for result in results:
            entries = result.get("Licenses") or ()
            for entry in entries:
                ecosystem = ecosystems.get(str(entry.get("PkgName")), "generic")
                found += licences(self._scanner, [entry], places, ecosystem, self._policy)
        return list(dict.fromkeys(found)), _gaps(report, contents, log), packages

    def _secret(
        self, path: str, entry: Json, contents: Contents, config: Mapping[str, Any]
    ) -> Observation:
        assert self._key is not None  # noqa: S101 - the caller has looked
        if path != IMAGE_CONFIG:
            content = contents.files.get((_layer(entry), path))
            return secret(self._scanner, entry, Place(path), content, self._key)
        # Its lines are those of trivy's own rendering of the configuration.
        rendered = json.dumps(config, indent=2, ensure_ascii=False).encode()
        line = line_like(rendered, str(entry.get("Match") or ""))
        moved = {**entry, "StartLine": line or 1, "EndLine": line or 1, "Offset": None}
        content = rendered if line else None
        observation = secret(self._scanner, moved, Place(path), content, self._key)
        return replace(observation, place=Place(path))

    def _root(self, config: Mapping[str, Any]) -> list[Observation]:
        user = str((config.get("config") or {}).get("User") or "").partition(":")[0]
        if user not in ("", "0", "root"):
            return []
        return [
            Observation(
                scanner=self._scanner,
                rule=_ROOT_RULE,
                kind=FindingKind.MISCONFIGURATION,
                severity=Severity.HIGH,
                confidence=Confidence.HIGH,
                title="The image runs as root",
                place=Place(IMAGE_CONFIG),
                cwe=("CWE-250",),
                details=(("remedy", "set a user (USER in the Dockerfile) that is not root"),),
            )
        ]


def listed_in(result: Json) -> list[ListedPackage]:
    """The packages of one result, those of the operating system under a path of their own."""
    if result.get("Class") != "os-pkgs":
        return packages_of(result, str(result.get("Target") or ""))
    return [
        replace(package, path=f"{OS_PACKAGES}{package.name}") for package in packages_of(result, "")
    ]


def for_convert(report: Json, name: str) -> dict[str, Any]:
    """The report's packages alone, to be made into a CycloneDX document.

    The configuration stays out: its environment and labels may hold secrets.
    """
    metadata = {k: v for k, v in (report.get("Metadata") or {}).items() if k != "ImageConfig"}
    results = [
        {**{k: result[k] for k in ("Target", "Class", "Type", "Packages")}, "Target": target}
        for result in report.get("Results") or ()
        if result.get("Packages")
        for target in (name if result["Class"] == "os-pkgs" else result["Target"],)
    ]
    return {
        "SchemaVersion": 2,
        "ArtifactName": name,
        "ArtifactType": "container_image",
        "Metadata": metadata,
        "Results": results,
    }


def _path(result: Json, artifact: str) -> str:
    target = str(result.get("Target") or "")
    return IMAGE_CONFIG if target == artifact else target.lstrip("/")


def _layer(entry: Json) -> str:
    return str((entry.get("Layer") or {}).get("DiffID") or "")


def _about_root(observation: Observation) -> bool:
    return observation.rule == _ROOT_RULE and observation.place.path == IMAGE_CONFIG


def _gaps(report: Json, contents: Contents, log: str) -> list[Gap]:
    # Trivy's own rendering of the history is no file; what counts of it is read from elsewhere.
    gaps = [gap for gap in told(log, "") if gap.path != _HISTORY]
    if contents.java:
        detail = "Java archives: what they contain is known only with Trivy's Java index"
        gaps.append(Gap(GapReason.UNSUPPORTED, "", detail, contents.java, ("maven",)))
    if contents.unread:
        detail = "layers in which Java archives were not counted, and secrets not told apart"
        gaps.append(Gap(GapReason.UNSUPPORTED, "", detail, contents.unread, ("maven",)))
    if contents.package_database and not (report.get("Metadata") or {}).get("OS"):
        detail = "the image does not say which operating system its packages are of"
        gaps.append(Gap(GapReason.UNSUPPORTED, OS_PACKAGES, detail))
    return gaps
