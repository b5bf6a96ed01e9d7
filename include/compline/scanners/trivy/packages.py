"""Packages that trivy has listed, and which of them its database knows to be vulnerable.

What a tree or image contains does not change with the database. So it is listed once; when the
database moves, the list is matched again, as a CycloneDX document given to `trivy sbom`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter

from compline.model import Confidence, FindingKind, Observation, Package, Place, Severity
from compline.scanners.trivy.report import Json, one_line, severity_of

_DATABASE_OF = {
    **dict.fromkeys(("pip", "pipenv", "poetry", "uv", "pylock", "python-pkg"), "pip"),
    **dict.fromkeys(("npm", "yarn", "pnpm", "bun", "node-pkg"), "npm"),
    **dict.fromkeys(("gomod", "gobinary"), "go"),
    **dict.fromkeys(("cargo", "rustbinary"), "cargo"),
    **dict.fromkeys(("composer", "composer-vendor"), "composer"),
    **dict.fromkeys(("bundler", "gemspec"), "rubygems"),
    **dict.fromkeys(("pom", "gradle", "sbt", "jar"), "maven"),
    **dict.fromkeys(("nuget", "dotnet-core", "packages-props"), "nuget"),
    **{name: name for name in ("pub", "conan", "swift", "cocoapods", "bitnami", "julia")},
    "hex": "erlang",
}
_GROUPING = ("CVE-", "GHSA-", "PYSEC-", "OSV-", "GO-", "RUSTSEC-", "MAL-", "NSWG-", "GMS-")
"""Ids of single advisories; others (DSA-, RHSA-, USN-) stand for several and would join them."""


@dataclass(frozen=True)
class ListedPackage:
    """One package at one place."""

    type: str
    """Trivy's name for what lists it: npm, uv, gomod, debian, ..."""
    name: str
    version: str
    purl: str
    """Its package URL; empty where trivy makes none, and then it cannot be matched."""
    path: str
    line: int | None = None
    end_line: int | None = None
    dev: bool = False

    @property
    def key(self) -> str:
        """What its vulnerabilities depend on besides the database."""
        return f"{self.type} {self.purl}"

    @property
    def ecosystem(self) -> str:
        """As in a package URL."""
        return self.purl.removeprefix("pkg:").partition("/")[0] or self.type

    @property
    def subject(self) -> str:
        """What findings about it are about: `npm:@types/node`."""
        name = canonicalize_name(self.name) if self.ecosystem == "pypi" else self.name
        return f"{self.ecosystem}:{name}"


@dataclass(frozen=True)
class KnownVulnerability:
    """One advisory that holds for a package."""

    id: str
    aliases: tuple[str, ...]
    severity: Severity
    fixed: str
    """As trivy writes it: the versions that mend it, separated by commas."""
    cwe: tuple[str, ...]
    vector: str
    title: str
    url: str


_known: TypeAdapter[tuple[KnownVulnerability, ...]] = TypeAdapter(tuple[KnownVulnerability, ...])


def database_prefix(type_: str) -> str:
    """How the names of the database's sources for a type of package begin; empty for none."""
    name = _DATABASE_OF.get(type_)
    return f"{name}::" if name else ""


def packages_of(result: Json, path: str) -> list[ListedPackage]:
    """The packages of one result.

    Args:
        result: of the report.
        path: the place of those that have no path of their own.
    """
    found = []
    for entry in result.get("Packages") or ():
        lines = sorted(
            (spot["StartLine"], spot["EndLine"]) for spot in entry.get("Locations") or ()
        )
        line, end_line = lines[0] if lines else (None, None)
        found.append(
            ListedPackage(
                str(result.get("Type") or ""),
                str(entry.get("Name") or ""),
                str(entry.get("Version") or ""),
                str((entry.get("Identifier") or {}).get("PURL") or ""),
                str(entry.get("FilePath") or path),
                line,
                end_line,
                bool(entry.get("Dev")),
            )
        )
    return found


def cyclonedx(packages: Iterable[ListedPackage], trivy_version: str) -> dict[str, Any]:
    """A CycloneDX document of packages, the same for the same packages.

    Components are grouped under one application per type, as trivy itself writes them, so that
    it compares versions by that type's rules.
    """
    components: list[dict[str, Any]] = []
    groups: dict[str, list[str]] = {}
    places: dict[str, set[str]] = {}
    by_key: dict[str, ListedPackage] = {}
    for package in packages:
        if package.purl:
            by_key.setdefault(package.key, package)
            places.setdefault(package.key, set()).add(package.path)
    for key, package in sorted(by_key.items()):
        groups.setdefault(package.type, []).append(key)
        paths = [{"name": "compline:path", "value": path} for path in sorted(places[key]) if path]
        component: dict[str, Any] = {
            "bom-ref": key,
            "type": "library",
            "name": package.name,
            "version": package.version,
            "purl": package.purl,
        }
        components.append(component | ({"properties": paths} if paths else {}))
    for type_ in groups:
        properties = (("Class", "lang-pkgs"), ("Type", type_))
        components.append(
            {
                "bom-ref": f"application {type_}",
                "type": "application",
                "name": type_,
                "properties": [
                    {"name": f"aquasecurity:trivy:{name}", "value": value}
                    for name, value in properties
                ],
            }
        )
    trivy = {
        "type": "application",
        "group": "aquasecurity",
        "name": "trivy",
        "version": trivy_version,
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"tools": {"components": [trivy]}},
        "components": components,
        "dependencies": [
            {"ref": f"application {type_}", "dependsOn": keys} for type_, keys in groups.items()
        ],
    }


def vulnerabilities_of(report: Json) -> dict[str, list[KnownVulnerability]]:
    """The vulnerabilities in a report on a CycloneDX document, by the components' `bom-ref`."""
    found: dict[str, list[KnownVulnerability]] = {}
    for result in report.get("Results") or ():
        for entry in result.get("Vulnerabilities") or ():
            reference = str((entry.get("PkgIdentifier") or {}).get("BOMRef") or "")
            found.setdefault(reference, []).append(known_vulnerability(entry))
    return found


def advisory(
    scanner: str, package: ListedPackage, known: KnownVulnerability, blob: str = ""
) -> Observation:
    """A vulnerability of a package at its place."""
    ecosystem, _, name = package.subject.partition(":")
    fixed = least_fix(package.version, known.fixed)
    details = {
        "summary": known.title,
        "advisory": known.url,
        "cvss": known.vector,
        "scope": "development" if package.dev else "",
        "remedy": f"update {name} to {fixed} or later" if fixed else "",
    }
    return Observation(
        scanner=scanner,
        rule=known.id,
        kind=FindingKind.DEPENDENCY,
        severity=known.severity,
        confidence=Confidence.HIGH,
        title=f"{name} {package.version} has the known vulnerability {known.id}",
        place=Place(package.path, package.line, package.end_line, blob=blob),
        subject=package.subject,
        package=Package(ecosystem, name, package.version, fixed),
        aliases=known.aliases,
        cwe=known.cwe,
        details=tuple((key, value) for key, value in details.items() if value),
    )


def least_fix(installed: str, fixed: str) -> str:
    """The least of the mended versions that is newer than what is installed.

    Where versions cannot be compared by PEP 440, which reads most of them, it is the first.
    """
    versions = [each.strip() for each in fixed.split(",") if each.strip()]
    try:
        newer = [(Version(each), each) for each in versions if Version(each) > Version(installed)]
    except InvalidVersion:
        return versions[0] if versions else ""
    return min(newer)[1] if newer else ""


def load_known(value: bytes) -> tuple[KnownVulnerability, ...]:
    """The inverse of `dump_known`."""
    return _known.validate_json(value)


def dump_known(known: Sequence[KnownVulnerability]) -> bytes:
    """JSON for the results cache."""
    return _known.dump_json(tuple(known))


def known_vulnerability(entry: Json) -> KnownVulnerability:
    """One of the report's `Vulnerabilities`."""
    id_ = str(entry["VulnerabilityID"])
    others = [str(each) for each in entry.get("VendorIDs") or ()]
    vectors: Mapping[str, Json] = entry.get("CVSS") or {}
    vector = next(
        (
            str(each[name])
            for name in ("V40Vector", "V3Vector", "V2Vector")
            for _, each in sorted(vectors.items())
            if each.get(name)
        ),
        "",
    )
    title = one_line(entry.get("Title") or "")
    return KnownVulnerability(
        id_,
        tuple(sorted({id_, *(each for each in others if each.startswith(_GROUPING))})),
        severity_of(entry.get("Severity")),
        str(entry.get("FixedVersion") or ""),
        tuple(sorted(str(each) for each in entry.get("CweIDs") or ())),
        vector,
        "" if title == id_ else title,
        str(entry.get("PrimaryURL") or ""),
    )
