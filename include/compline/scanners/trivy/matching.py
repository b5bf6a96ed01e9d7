"""Matches listed packages to the vulnerability database: all of a shard in one process."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compline.advisories.trivydb import Advisory, TrivyDatabase
from compline.model import MISSED_CANARY, Gap, GapReason, ScanKey
from compline.scanners.interface import ScanContext
from compline.scanners.trivy.command import Means, Trivy, TrivyFailed, scratch
from compline.scanners.trivy.packages import (
    KnownVulnerability,
    ListedPackage,
    cyclonedx,
    database_prefix,
    dump_known,
    load_known,
    vulnerabilities_of,
)

ADAPTER = "1"
_PER_PROCESS = 30_000
"""Packages in one document: some seconds and some hundred megabytes of trivy's."""
_ECOSYSTEMS = {"pip": "pypi", "npm": "npm", "cargo": "cargo", "composer": "composer"}
"""Types that a canary can be of, with what their package URLs say."""
_EXACT = re.compile(r"\s*=*\s*([0-9][^\s,<>=|]*)\s*")
_BELOW = re.compile(r"\s*<=?\s*([0-9][^\s,<>=|]*)\s*")
_FROM = re.compile(r"\s*>=\s*([0-9][^\s,<>=|]*)\s*,\s*<=?\s*[0-9][^\s,<>=|]*\s*")


@dataclass(frozen=True)
class Matched:
    """What the database knows of a set of packages."""

    known: Mapping[str, tuple[KnownVulnerability, ...]]
    """By the packages' key; a package that is not here was not looked at."""
    stored: frozenset[str]
    """Keys of those whose answer was kept from before."""
    sandbox: str = ""


def match_packages(
    packages: Collection[ListedPackage],
    given: Means,
    context: ScanContext,
    *,
    scanner: str,
    fresh: Collection[str] = (),
) -> Matched:
    """Looks up packages of programming languages.

    Args:
        packages: any number, from any number of places.
        given: tool and database.
        context: for the results cache.
        scanner: under whose name answers are kept.
        fresh: keys of packages whose kept answers must not be used.

    Raises:
        TrivyFailed: a process failed or missed its canary.
        ToolError: it was ended.
    """
    if given.database is None:
        return Matched({}, frozenset())
    key = ScanKey(given.tool.digest, ADAPTER, advisories=given.database.digest)
    wanted = {package.key: package for package in packages if package.purl and package.version}
    kept = context.cache.get_many(scanner, key, set(wanted) - set(fresh))
    known = {name: load_known(value) for name, value in kept.items()}
    missing = [wanted[name] for name in sorted(set(wanted) - set(known))]
    sandbox = ""
    for start in range(0, len(missing), _PER_PROCESS):
        with scratch(given, context.workspace) as trivy:
            found, sandbox = _ask(missing[start : start + _PER_PROCESS], given, trivy)
        context.cache.put_many(
            scanner, key, {name: dump_known(value) for name, value in found.items()}
        )
        known |= found
    return Matched(known, frozenset(kept), sandbox)


def language_canary(database: TrivyDatabase) -> ListedPackage:
    """A package that the database surely knows to be vulnerable; always the same one.

    Raises:
        TrivyFailed: there is none, so that nothing it says of languages can be believed.
    """
    for type_, ecosystem in _ECOSYSTEMS.items():
        for source in database.sources:
            if source.startswith(f"{type_}::"):
                for entry in database.advisories(source):
                    version = vulnerable_version(entry)
                    if version:
                        purl = f"pkg:{ecosystem}/{entry.package}@{version}"
                        return ListedPackage(type_, entry.package, version, purl, "canary")
    raise TrivyFailed(
        "the Trivy database knows no vulnerable package of pip, npm, cargo or composer: get a "
        "whole one"
    )


def vulnerable_version(entry: Advisory) -> str:
    """A version inside the advisory's ranges; empty where they are too odd to say."""
    for text in entry.vulnerable:
        if match := _EXACT.fullmatch(text) or _FROM.fullmatch(text):
            return match[1]
        if (match := _BELOW.fullmatch(text)) and match[1].strip("0.") and match[1] > "0.0.1":
            return "0.0.0"
    return ""


def database_gaps(packages: Iterable[ListedPackage], given: Means) -> Iterator[Gap]:
    """Places whose packages the database has nothing of, or that cannot be looked up."""
    if given.database is None:
        return
    sources = given.database.sources
    without: dict[tuple[str, str], int] = {}
    for package in packages:
        prefix = database_prefix(package.type)
        if not prefix or not any(source.startswith(prefix) for source in sources):
            place = (package.path, package.type)
            without[place] = without.get(place, 0) + 1
    for (path, type_), count in sorted(without.items()):
        detail = f"the vulnerability database has nothing of {type_} packages"
        yield Gap(GapReason.UNSUPPORTED, path, detail, count)


def unmatched_gaps(
    packages: Iterable[ListedPackage], matched: Matched, given: Means
) -> Iterator[Gap]:
    """Packages that trivy has listed and then not looked up."""
    if given.database is None:
        return
    left: dict[str, set[str]] = {}
    for package in packages:
        if package.key not in matched.known:
            left.setdefault(package.path, set()).add(package.subject)
    for path, subjects in sorted(left.items()):
        detail = "packages that trivy did not look up"
        yield Gap(GapReason.NOT_REPORTED, path, detail, len(subjects), tuple(sorted(subjects)))


def add_components(document: dict[str, Any], package: ListedPackage) -> None:
    """Plants a package of a programming language into a CycloneDX document.

    Under an application of its own: of two with the same name and type trivy keeps one.
    """
    application, library = "canary", f"canary {package.key}"
    for component in cyclonedx([package], "")["components"]:
        is_library = component["type"] == "library"
        name = component["name"] if is_library else "compline-canary"
        reference = library if is_library else application
        document.setdefault("components", []).append(
            component | {"bom-ref": reference, "name": name}
        )
    document.setdefault("dependencies", []).append({"ref": application, "dependsOn": [library]})


def check_canary(found: Mapping[str, Collection[object]], package: ListedPackage) -> None:
    """Makes sure that the planted package was found vulnerable.

    Raises:
        TrivyFailed: it was not.
    """
    if not found.get(f"canary {package.key}"):
        raise TrivyFailed(
            f"trivy {MISSED_CANARY}: {package.name} {package.version} ({package.type}) is "
            "vulnerable by its database, and it reported nothing; run `compline tools check trivy`"
        )


def _ask(
    packages: list[ListedPackage], given: Means, trivy: Trivy
) -> tuple[dict[str, tuple[KnownVulnerability, ...]], str]:
    assert given.database is not None  # noqa: S101 - the caller has looked
    canary = language_canary(given.database)
    document = cyclonedx(packages, given.tool.version)
    add_components(document, canary)
    path = trivy.directory / "packages.cdx.json"
    path.write_text(json.dumps(document))
    report, finished = trivy.scan("sbom", ["--scanners", "vuln", path])
    found = vulnerabilities_of(report)
    check_canary(found, canary)
    seen = {
        str((entry.get("Identifier") or {}).get("BOMRef") or "")
        for result in report.get("Results") or ()
        for entry in result.get("Packages") or ()
    }
    known = {
        package.key: tuple(found.get(package.key, ()))
        for package in packages
        if package.key in seen
    }
    return known, finished.sandbox
