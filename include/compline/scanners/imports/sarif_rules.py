"""What a SARIF run says of its rules: severity, CWE, title, what sort of defect (SARIF 2.1.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from compline.model import Confidence, FindingKind, Severity
from compline.scanners.imports.report import Json, readable, words
from compline.scanners.trivy.report import one_line

_CWE = re.compile(r"(?i)\bcwe[-/: ]{0,2}0*(\d+)\b")
_LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}
_PRECISION = {
    "very-high": Confidence.HIGH,
    "high": Confidence.HIGH,
    "low": Confidence.LOW,
    "very-low": Confidence.LOW,
}
_SECRET_TOOLS = frozenset({"gitleaks", "trufflehog", "detect-secrets", "ggshield", "noseyparker"})
_SECRET_TAGS = frozenset({"secret", "secrets"})
_ADVISORY = re.compile(r"(?:CVE-\d+-\d+|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d+-\d+|RUSTSEC-[\d-]+)")
_PACKAGE = re.compile(r"^Package: (\S+)$", re.MULTILINE)
_VERSION = re.compile(r"^Installed Version: (\S+)$", re.MULTILINE)
_FIXED = re.compile(r"^Fixed Version: (\S+?),?(?: .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or what is known of one that is not described."""

    id: str
    title: str
    severity: Severity | None
    """None: the result's level says it."""
    level: str
    """Of results that do not say one."""
    confidence: Confidence
    cwe: tuple[str, ...]
    tags: frozenset[str]
    reference: str


@dataclass(frozen=True, slots=True)
class Said:
    """What stands in a result's message, in the form that Trivy writes: nothing else is kept."""

    package: str
    version: str
    fixed: str


class Rules:
    """The rules of one run, of its driver and of its extensions."""

    def __init__(self, run: Json) -> None:
        tool = run["tool"]
        self.name = str(tool["driver"]["name"])
        self.version = words(tool["driver"].get("semanticVersion"), tool["driver"].get("version"))
        self._components: Sequence[Json] = [tool["driver"], *(tool.get("extensions") or ())]
        self._by_id: dict[str, Json] = {}
        for component in self._components:
            for rule in component.get("rules") or ():
                self._by_id.setdefault(str(rule["id"]), rule)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every rule that is described: those that ran, with or without results."""
        return tuple(sorted({_bare(self.name, name) for name in self._by_id}))

    def of(self, result: Json) -> Rule:
        """The rule of a result.

        Raises:
            KeyError: the result names none.
        """
        reference = result.get("rule") or {}
        name = words(result.get("ruleId"), reference.get("id"))
        found = self._by_index(result, reference)
        if found is None:
            found = self._by_id.get(name)
        if found is None and "/" in name:
            # A hierarchical id (`CA1000/1`) is described under its first part.
            found = self._by_id.get(name.rpartition("/")[0])
        if found is None and not name:
            raise KeyError("ruleId")
        return _rule(self.name, name or str((found or {})["id"]), found or {}, result)

    def _by_index(self, result: Json, reference: Json) -> Json | None:
        index = result.get("ruleIndex", reference.get("index", -1))
        if not isinstance(index, int) or index < 0:
            return None
        # Index -1 and no component at all mean the driver; extensions count from 0.
        extension = (reference.get("toolComponent") or {}).get("index", -1)
        rules = self._components[extension + 1].get("rules") or ()
        rule: Json = rules[index]
        return rule


def kind_of(tool: str, rule: Rule, said: Said | None) -> FindingKind:
    """What sort of defect a result is about."""
    if tool in _SECRET_TOOLS or rule.tags & _SECRET_TAGS:
        return FindingKind.SECRET
    if said is not None and _ADVISORY.fullmatch(rule.id):
        return FindingKind.DEPENDENCY
    if rule.tags & {"misconfiguration", "misconfig"}:
        return FindingKind.MISCONFIGURATION
    return FindingKind.CODE


def said_in(message: str) -> Said | None:
    """The package that a message names; None if it names none."""
    package, version = _PACKAGE.search(message), _VERSION.search(message)
    if package is None or version is None:
        return None
    fixed = _FIXED.search(message)
    return Said(package[1], version[1], fixed[1] if fixed else "")


def severity(rule: Rule, result: Json) -> Severity:
    """By the score that the rule or the result has, else by the result's level."""
    own = _score(result.get("properties") or {})
    if own is not None:
        return own
    if rule.severity is not None:
        return rule.severity
    return _LEVELS.get(str(result.get("level") or rule.level), Severity.UNKNOWN)


@dataclass(slots=True)
class _Words:
    """Every place in which tools write CWE numbers."""

    found: list[str] = field(default_factory=list)

    def take(self, value: Any) -> None:
        if isinstance(value, str):
            self.found.append(value)
        elif isinstance(value, list):
            for each in value:
                self.take(each)


def _bare(tool: str, rule: str) -> str:
    """The rule's id; Semgrep puts the folders of the file of rules before it, and those are the
    business of the machine that it ran on."""
    return one_line(rule.rpartition(".")[2] if tool.lower().startswith("semgrep") else rule)


def _rule(tool: str, told: str, described: Json, result: Json) -> Rule:
    name = _bare(tool, told)
    titles = (
        (described.get("shortDescription") or {}).get("text"),
        (described.get("fullDescription") or {}).get("text"),
        described.get("name"),
    )
    properties = described.get("properties") or {}
    tags = [str(tag) for tag in properties.get("tags") or ()]
    text = _Words()
    for value in (tags, properties.get("cwe"), (result.get("properties") or {}).get("cwe")):
        text.take(value)
    numbers = {int(number) for word in text.found for number in _CWE.findall(word)}
    numbers |= set(_taxa(described, result))
    configuration = described.get("defaultConfiguration") or {}
    reference = words(described.get("helpUri"))
    return Rule(
        id=name,
        # A title that only repeats the id, with folders or without, says nothing.
        title=one_line(words(*(each for each in titles if told not in str(each))) or readable(name))
        if name != told
        else one_line(words(*titles) or readable(name)),
        severity=_score(properties),
        level=words(configuration.get("level")) or "warning",
        confidence=_PRECISION.get(str(properties.get("precision")), Confidence.MEDIUM),
        cwe=tuple(sorted(f"CWE-{number}" for number in numbers)),
        tags=frozenset(tag.lower() for tag in tags),
        reference=one_line(reference) if reference.startswith("https://") else "",
    )


def _taxa(described: Json, result: Json) -> Iterator[int]:
    targets = [each.get("target") or {} for each in described.get("relationships") or ()]
    for each in (*targets, *(result.get("taxa") or ())):
        component = str((each.get("toolComponent") or {}).get("name") or "")
        number = str(each.get("id") or "").upper().removeprefix("CWE-")
        if component.upper() == "CWE" and number.isdecimal():
            yield int(number)


def _score(properties: Json) -> Severity | None:
    """`security-severity`, a CVSS score from 0 to 10, as GitHub's code scanning has it."""
    try:
        score = float(properties["security-severity"])
    except (KeyError, TypeError, ValueError):
        return None
    bounds = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
    for least, found in bounds:
        if score >= least:
            return found
    # Trivy writes 0.0 where it knows none; a score of none at all would be no finding.
    return Severity.LOW if score > 0 else Severity.UNKNOWN
