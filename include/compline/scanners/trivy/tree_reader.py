"""Trivy's results on one exported tree, read into observations while its files are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compline.model import Gap, GapReason, Observation, Place
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.batch import TreeReport, Unit
from compline.scanners.trivy.comments import suppression
from compline.scanners.trivy.licences import LicencePolicy
from compline.scanners.trivy.packages import ListedPackage, packages_of
from compline.scanners.trivy.report import (
    Json,
    evidence_of,
    licences,
    misconfiguration,
    rule_of,
    secret,
)


class TreeReader:
    """Reads results under one scanner's name."""

    def __init__(self, scanner: str, key: SecretKey | None, policy: LicencePolicy) -> None:
        self._scanner = scanner
        self._key = key
        self._policy = policy

    def __call__(
        self,
        unit: Unit,
        directory: Path,
        results: Sequence[dict[str, Any]],
        blunted: Mapping[str, str],
    ) -> TreeReport:
        """The report on a unit.

        Args:
            unit: what was scanned.
            directory: where its files are.
            results: trivy's, paths from the tree's root.
            blunted: the texts in which comments were blunted, as they were before.
        """
        blobs = {entry.path: entry.oid for entry in unit.entries}
        observations: list[Observation] = []
        packages: list[ListedPackage] = []
        gaps: list[Gap] = []
        results = [{**each, "Target": _real(each["Target"], blobs)} for each in results]
        for result in results:
            path, kind = result["Target"], result.get("Class")
            if kind == "lang-pkgs":
                prefix = f"{unit.tag}/"
                one = {**result, "Packages": _untagged(result.get("Packages"), prefix)}
                packages += packages_of(one, path)
            elif kind == "os-pkgs":
                gaps.append(
                    Gap(GapReason.UNSUPPORTED, "", "a root file system in the tree: its packages")
                )
            place = Place(path, blob=blobs.get(path, ""))
            if result.get("Misconfigurations"):
                observations += self._misconfigurations(result, place, directory, blunted)
            if result.get("Secrets") and self._key is not None:
                content = _content(directory, path)
                for entry in result["Secrets"]:
                    observations.append(secret(self._scanner, entry, place, content, self._key))
        for result in results:
            if result.get("Licenses"):
                observations += self._licences(result, packages, blobs)
        return TreeReport(
            tuple(dict.fromkeys(observations)),
            tuple(gaps),
            tuple(packages),
            tuple(evidence_of(results)),
        )

    def _misconfigurations(
        self, result: Json, place: Place, directory: Path, blunted: Mapping[str, str]
    ) -> list[Observation]:
        text = blunted.get(place.path)
        if text is None:
            content = _content(directory, place.path)
            text = None if content is None else content.decode(errors="replace")
        found = []
        for entry in result["Misconfigurations"]:
            if entry.get("Status") != "FAIL":
                continue
            cause = entry.get("CauseMetadata") or {}
            # Helm's lines are those of the manifests that it renders.
            own = text if text is not None and _is_of(text, cause) else None
            starts = [
                cause,
                *(spot.get("Location") or {} for spot in cause.get("Occurrences") or ()),
            ]
            comments = (
                suppression(text, start["StartLine"], rule_of(entry))
                for start in starts
                if text is not None and start.get("StartLine")
            )
            found.append(
                misconfiguration(
                    self._scanner,
                    entry,
                    place,
                    content=own,
                    key=self._key,
                    located=own is not None,
                    suppression=next((each for each in comments if each), ""),
                )
            )
        return found

    def _licences(
        self, result: Json, packages: Sequence[ListedPackage], blobs: Mapping[str, str]
    ) -> list[Observation]:
        path = result["Target"]
        here = [package for package in packages if package.path == path]
        places = {
            package.name: Place(path, package.line, package.end_line, blob=blobs.get(path, ""))
            for package in here
        }
        ecosystem = here[0].ecosystem if here else "generic"
        entries = result["Licenses"]
        return list(licences(self._scanner, entries, places, ecosystem, self._policy))


def _real(path: str, blobs: Mapping[str, str]) -> str:
    """The file that is meant: Ansible's are reported without their suffix."""
    if path in blobs:
        return path
    return next((f"{path}{end}" for end in (".yml", ".yaml") if f"{path}{end}" in blobs), path)


def _untagged(packages: Sequence[Json] | None, prefix: str) -> list[dict[str, Any]]:
    return [
        {**package, "FilePath": str(package.get("FilePath") or "").removeprefix(prefix)}
        for package in packages or ()
    ]


def _content(directory: Path, path: str) -> bytes | None:
    """A file of the tree; None for what is none (a directory of Terraform's)."""
    file = directory / path
    return file.read_bytes() if path and file.is_file() else None


def _is_of(text: str, cause: Json) -> bool:
    """Whether the reported lines stand in the file under the reported numbers."""
    lines = text.replace("\r", "").split("\n")
    for reported in (cause.get("Code") or {}).get("Lines") or ():
        number, content = reported.get("Number") or 0, str(reported.get("Content") or "")
        if not reported.get("IsCause") or reported.get("Truncated"):
            continue
        if number > len(lines):
            return False
        # Comments were blunted in what trivy has read.
        if lines[number - 1] != content and "ignore:" not in lines[number - 1]:
            return False
    return True
