"""CycloneDX documents with vulnerabilities, in JSON (1.4 and later; https://cyclonedx.org)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from compline.model import Confidence, FindingKind, Observation, Package, Place, Severity
from compline.scanners.imports.report import (
    Broken,
    Json,
    Reading,
    Settings,
    WrongFile,
    tool_name,
    words,
)
from compline.scanners.imports.sources import Sources
from compline.scanners.pip_audit.tool import preferred
from compline.scanners.trivy.report import one_line

_COMPONENT = {
    "bom-ref": True,
    "type": True,
    "group": True,
    "name": True,
    "version": True,
    "purl": True,
    "properties": [{"name": True, "value": True}],
    "evidence": {"occurrences": [{"location": True}]},
}
_TOOLS = [{"vendor": True, "name": True, "version": True}]
SHAPE = {
    "bomFormat": True,
    "specVersion": True,
    "serialNumber": True,
    "metadata": {"tools": {"components": _TOOLS}, "component": _COMPONENT},
    "components": [_COMPONENT],
    "vulnerabilities": [
        {
            "id": True,
            "source": {"name": True, "url": True},
            "references": [{"id": True}],
            "ratings": [{"severity": True, "score": True, "method": True, "vector": True}],
            "cwes": [True],
            "analysis": {"state": True},
            "affects": [{"ref": True, "versions": [{"version": True, "status": True}]}],
        }
    ],
}
_NOT_AFFECTED = frozenset({"not_affected", "false_positive", "resolved", "resolved_with_pedigree"})
_OF_ADVISORIES = {"PYSEC-": "pypi", "RUSTSEC-": "cargo", "GO-": "golang"}
_PATHS = ("compline:path", "aquasecurity:trivy:FilePath", "syft:location:0:path")


def read(document: Json, sources: Sources, _settings: Settings) -> list[Reading]:
    """What the document says.

    Raises:
        WrongFile: it is an inventory only.
        Broken: parts of it are missing.
    """
    if "vulnerabilities" not in document:
        raise WrongFile(
            "the CycloneDX document is an inventory: it has no `vulnerabilities`, so that nobody "
            "has looked for any"
        )
    try:
        components = dict(_components(document))
        found = [
            one
            for vulnerability in document["vulnerabilities"]
            for one in _observations(vulnerability, components, sources)
        ]
        name, version = _tool(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Broken(f"the CycloneDX document is not whole ({type(error).__name__})") from None
    scanner = f"import:{name}"
    observations = tuple(dict.fromkeys(replace(each, scanner=scanner) for each in found))
    return [Reading(name, version, observations)]


def prepared(document: Json) -> Json:
    """The document with its tools where 1.5 has them: before, they were a plain list."""
    metadata = document.get("metadata") or {}
    tools = metadata.get("tools")
    if isinstance(tools, list):
        return {**document, "metadata": {**metadata, "tools": {"components": tools}}}
    return document


def _tool(document: Json) -> tuple[str, str]:
    tools: Any = (document.get("metadata") or {}).get("tools") or []
    entries = tools if isinstance(tools, list) else (tools.get("components") or ())
    for entry in entries:
        if entry.get("name"):
            return f"cyclonedx:{tool_name(str(entry['name']))}", str(entry.get("version") or "")
    return "cyclonedx", ""


def _components(document: Json) -> Iterator[tuple[str, Json]]:
    waiting = [*(document.get("components") or ())]
    about = (document.get("metadata") or {}).get("component")
    if about:
        waiting.append(about)
    while waiting:
        component = waiting.pop()
        waiting += component.get("components") or ()
        reference = component.get("bom-ref") or component.get("purl")
        if reference:
            yield str(reference), component


def _observations(
    vulnerability: Json, components: Mapping[str, Json], sources: Sources
) -> Iterator[Observation]:
    ids = {str(vulnerability["id"])}
    ids |= {str(each["id"]) for each in vulnerability.get("references") or () if each.get("id")}
    severity, vector = _rating(vulnerability.get("ratings") or ())
    state = str((vulnerability.get("analysis") or {}).get("state") or "")
    for affected in vulnerability.get("affects") or ():
        reference = str(affected["ref"])
        # A link into another document names the component behind the `#`.
        component = components.get(reference) or components.get(reference.rpartition("#")[2])
        if component is None and reference.startswith("pkg:"):
            component = {"purl": reference}
        if component is None:
            raise Broken(f"it speaks of a component that it does not have: {reference[:80]}")
        ecosystem, name, version = _package(component, ids)
        rule = preferred(sorted(ids))
        path = _path(component, sources)
        details = {"cvss": vector, "advisory": _link(vulnerability)}
        yield Observation(
            scanner="",
            rule=rule,
            kind=FindingKind.DEPENDENCY,
            severity=severity,
            confidence=Confidence.HIGH,
            title=one_line(f"{name} {version} has the known vulnerability {rule}"),
            place=Place(path, blob=sources.blob(path)),
            subject=f"{ecosystem}:{name}",
            package=Package(ecosystem, name, version, ""),
            aliases=tuple(sorted(ids)),
            cwe=tuple(sorted({f"CWE-{int(n)}" for n in vulnerability.get("cwes") or ()})),
            suppression=f"vex:{one_line(state)}" if state in _NOT_AFFECTED else "",
            details=tuple((key, value) for key, value in details.items() if value),
        )


def _package(component: Json, ids: Iterable[str]) -> tuple[str, str, str]:
    version = str(component.get("version") or "")
    if component.get("purl"):
        purl = PackageURL.from_string(str(component["purl"]))
        name = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
        if purl.type in ("deb", "rpm", "apk"):
            name = purl.name
        if purl.type == "pypi":
            name = canonicalize_name(name)
        return purl.type, name, version or str(purl.version or "")
    group = component.get("group")
    name = f"{group}/{component['name']}" if group else str(component["name"])
    # pip-audit gives no package URLs; but some advisories are of one ecosystem only.
    for prefix, ecosystem in _OF_ADVISORIES.items():
        if any(each.startswith(prefix) for each in ids):
            own = canonicalize_name(name) if ecosystem == "pypi" else one_line(name)
            return ecosystem, own, version
    return "generic", one_line(name), version


def _path(component: Json, sources: Sources) -> str:
    told = {
        str(each.get("name")): str(each.get("value"))
        for each in component.get("properties") or ()
        if isinstance(each, dict)
    }
    seen = (component.get("evidence") or {}).get("occurrences") or ()
    place = words(*(told.get(name) for name in _PATHS), *(each.get("location") for each in seen))
    return sources.path(place) if place else ""


def _rating(ratings: Any) -> tuple[Severity, str]:
    """The gravest that is known, with its vector."""
    best, vector = Severity.UNKNOWN, ""
    for each in ratings:
        try:
            severity = Severity(str(each.get("severity")).lower())
        except ValueError:
            severity = Severity.INFO if each.get("severity") == "none" else Severity.UNKNOWN
        if severity is Severity.UNKNOWN:
            continue
        if best is Severity.UNKNOWN or severity.rank > best.rank:
            best, vector = severity, str(each.get("vector") or "")
    return best, vector


def _link(vulnerability: Json) -> str:
    url = words((vulnerability.get("source") or {}).get("url"))
    return one_line(url) if url.startswith("https://") else ""
