"""One SARIF result as an observation. Nothing of its message is kept: it quotes code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from compline.findings.cwe import families
from compline.findings.fingerprints import code_evidence
from compline.model import FindingKind, Observation, Package, Place
from compline.scanners.blobs.spans import Span
from compline.scanners.imports.report import Broken, Json, Settings
from compline.scanners.imports.sarif_rules import Rule, Said, kind_of, severity
from compline.scanners.imports.sources import Sources
from compline.scanners.secret_identity import unmasked
from compline.scanners.trivy.report import one_line

_ECOSYSTEMS = {
    "requirements": "pypi",
    "poetry.lock": "pypi",
    "uv.lock": "pypi",
    "Pipfile.lock": "pypi",
    "pylock.toml": "pypi",
    "package-lock.json": "npm",
    "yarn.lock": "npm",
    "pnpm-lock.yaml": "npm",
    "Cargo.lock": "cargo",
    "go.mod": "golang",
    "go.sum": "golang",
    "Gemfile.lock": "gem",
    "composer.lock": "composer",
    "pom.xml": "maven",
}


_MATCH = re.compile(r"^Match: (.*)$", re.MULTILINE)
"""How Trivy writes the line of a secret, with asterisks over it."""


@dataclass(frozen=True, slots=True)
class Located:
    """What was found out about a result beforehand."""

    path: str
    region: dict[str, int]
    telling: frozenset[tuple[str, str]]
    """Fields of fingerprints that may be used."""
    rule: Rule


def region_of(result: Json) -> dict[str, int]:
    """The numbers of the result's region; empty where it is about the whole file."""
    for location in result.get("locations") or ():
        region = (location.get("physicalLocation") or {}).get("region") or {}
        names = ("startLine", "endLine", "startColumn", "endColumn")
        return {name: int(region[name]) for name in names if region.get(name)}
    return {}


def observation(
    tool: str, result: Json, located: Located, sources: Sources, settings: Settings
) -> Observation:
    """The result as an observation.

    Raises:
        Broken: it is about a secret, and there is no key to hash it with.
    """
    rule = located.rule
    said = _said(result)
    kind = kind_of(tool, rule, said)
    place, fingerprints = _located(result, located, sources, secret=kind is FindingKind.SECRET)
    subject, package = "", None
    if kind is FindingKind.SECRET:
        if settings.key is None:
            raise Broken("it holds secrets, and there is no key to hash them with")
        text = _secret(result, located, sources)
        subject, fingerprints = settings.key.subject(text), settings.key.former_subjects(text)
    elif kind is FindingKind.DEPENDENCY and said is not None:
        package = _package(said, located.path)
        subject, fingerprints = f"{package.ecosystem}:{package.name}", ()
    return Observation(
        scanner=f"import:sarif:{tool}",
        rule=rule.id,
        kind=kind,
        severity=severity(rule, result),
        confidence=rule.confidence,
        title=_title(rule, kind, package),
        place=place,
        subject=subject,
        fingerprints=(*fingerprints, *_reported(result, located)),
        package=package,
        aliases=(rule.id,) if package else (),
        cwe=rule.cwe or (("CWE-798",) if kind is FindingKind.SECRET else ()),
        suppression=_suppression(result),
        details=(("reference", rule.reference),) if rule.reference else (),
    )


def _located(
    result: Json, located: Located, sources: Sources, *, secret: bool
) -> tuple[Place, tuple[tuple[str, str], ...]]:
    region, path = located.region, located.path
    line = region.get("startLine")
    if not line:
        return Place(path, blob=sources.blob(path)), ()
    cwe = ("CWE-798",) if secret else located.rule.cwe
    end = max(line, region.get("endLine", line))
    span = Span(line, end, region.get("startColumn"), region.get("endColumn"))
    place, fingerprints = sources.locate(path, span, cwe)
    if not fingerprints and "credential" not in families(cwe):
        # The file is not at hand: what the report quotes stands for it, and is hashed alone.
        text = _snippet(result)
        fingerprints = code_evidence("quoted.txt", text, 1, text.count("\n") + 1).fingerprints
    return place, fingerprints


def _secret(result: Json, located: Located, sources: Sources) -> bytes:
    """The secret itself, to be hashed and dropped; where it cannot be had, its place."""
    content = sources.content(located.path)
    region = located.region
    line = region.get("startLine", 0)
    text = b""
    masked = _MATCH.search(str((result.get("message") or {}).get("text") or ""))
    if content is not None and line and masked and "*" in masked[1]:
        text = unmasked(content, line, line, masked[1], None)
    elif content is not None and line:
        lines = content.replace(b"\r\n", b"\n").split(b"\n")[line - 1 : region.get("endLine", line)]
        if len(lines) == 1:
            # Columns count characters from 1; the end is the one behind the last.
            one = lines[0].decode("utf-8", "replace")
            last = region.get("endColumn", len(one) + 1) - 1
            text = one[region.get("startColumn", 1) - 1 : last].encode()
            text = text or lines[0]
        else:
            text = b"\n".join(lines)
    text = text or _snippet(result).encode()
    if not text.strip():
        text = f"{located.rule.id}\0{located.path}\0{line}".encode()
    return text.strip()


def _reported(result: Json, located: Located) -> tuple[tuple[str, str], ...]:
    """The report's own fingerprints, as far as they tell its results apart."""
    found = []
    for part in ("fingerprints", "partialFingerprints"):
        for name, value in sorted((result.get(part) or {}).items()):
            if (part, name) in located.telling:
                found.append((f"sarif:{one_line(name)[:60]}", one_line(value)))
    return tuple(found[:3])


def _package(said: Said, path: str) -> Package:
    name = PurePosixPath(path).name
    ecosystem = next(
        (found for mark, found in _ECOSYSTEMS.items() if name.startswith(mark)), "generic"
    )
    own = canonicalize_name(said.package) if ecosystem == "pypi" else one_line(said.package)
    return Package(ecosystem, own, one_line(said.version), one_line(said.fixed))


def _said(result: Json) -> Said | None:
    found = result.get("compline:package")
    return Said(**found) if isinstance(found, dict) else None


def _title(rule: Rule, kind: FindingKind, package: Package | None) -> str:
    if package is not None:
        return f"{package.name} {package.version} has the known vulnerability {rule.id}"
    return f"{rule.title} in the clear" if kind is FindingKind.SECRET else rule.title


def _suppression(result: Json) -> str:
    for each in result.get("suppressions") or ():
        if each.get("status") in (None, "accepted"):
            return f"sarif:{one_line(each.get('kind') or 'external')}"
    return ""


def _snippet(result: Json) -> str:
    for location in result.get("locations") or ():
        region: Any = (location.get("physicalLocation") or {}).get("region") or {}
        return str((region.get("snippet") or {}).get("text") or "")
    return ""
