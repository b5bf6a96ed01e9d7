"""Semgrep's rules: our packs and the organisation's own, read, checked and made into one file.

They are handed over as JSON: Semgrep's two readers of YAML do not agree on anchors, and a rule
that it cannot read it leaves out with a note.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compline.model import Confidence, Severity, canonical_json, digest_of
from compline.scanners.interface import CannotScan
from compline.scanners.semgrep import yaml_files
from compline.scanners.semgrep.paths import PathFilter
from compline.scanners.semgrep.prefilter import ANY_RULE, mark

_PACKS = Path(__file__).parents[1] / "rules"
_SEVERITIES = {"ERROR": Severity.HIGH, "WARNING": Severity.MEDIUM, "INFO": Severity.LOW} | {
    level.upper(): level
    for level in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
}
"""Of rules whose metadata gives none; the second line is how newer rules write it."""
_MODES_OVER_FILES = frozenset({"join", "extract"})
"""They look at several files at once, which scanning by content cannot give them."""
_EVERY_FILE = {
    "id": "compline-every-file",
    "languages": ["regex"],
    "severity": "INFO",
    "message": "Finds nothing.",
    "pattern-regex": "compline-every-file-[0-9]{40}",
}
"""A rule that is tried on every file, so that Semgrep reports each as looked at: on most files
it need not try any other (see prefilter)."""
_LONGEST_TITLE = 200
_METAVARIABLE = re.compile(r"\$(?:\.\.\.)?[A-Z_][A-Z_0-9]*|\$\d+")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said of a rule's findings; taken from the rule, never from a report."""

    id: str
    languages: tuple[str, ...]
    severity: Severity
    confidence: Confidence
    title: str
    cwe: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    paths: PathFilter


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All active rules."""

    rules: Mapping[str, Rule]
    """By id; Compline's canary rules are not in here."""
    files: Mapping[str, Path]
    """Where each rule is written."""
    compiled: bytes
    """The one file that Semgrep gets."""


def rule_files(packs: Sequence[str], more: Sequence[Path]) -> list[tuple[str, Path]]:
    """(name without the machine's directories, file) of every rule file, sorted.

    Raises:
        CannotScan: a directory is not there, or holds no rules.
    """
    found: list[tuple[str, Path]] = []
    for root in (*(_PACKS / pack for pack in packs), *more):
        if root.is_file():
            found.append((root.name, root))
            continue
        files = [path for path in sorted(root.rglob("*")) if _is_rule_file(path, root)]
        if not files:
            problem = "holds no rule files (.yaml, .yml)" if root.is_dir() else "is not there"
            raise CannotScan(f"{root} {problem}: mend `scanners.semgrep.rules`")
        found += ((f"{root.name}/{path.relative_to(root).as_posix()}", path) for path in files)
    return found


def rules_digest(files: Sequence[tuple[str, Path]]) -> str:
    """Over the content of all rule files.

    Raises:
        CannotScan: one cannot be read.
    """
    return digest_of([[name, hashlib.sha256(_read(path)).hexdigest()] for name, path in files])


def load_rules(files: Sequence[tuple[str, Path]], canary: Path) -> RuleSet:
    """Reads all rules, and what Semgrep is to get, the canary's among them.

    Raises:
        CannotScan: a file is no YAML, holds no rules, an id is there twice; it names the file.
    """
    rules: dict[str, Rule] = {}
    where: dict[str, Path] = {}
    compiled = list(_raw_rules(canary))
    reserved = {_EVERY_FILE["id"], *(raw["id"] for raw in compiled)}
    for _, path in files:
        for raw in _raw_rules(path):
            rule = _rule(raw, path)
            if rule.id in where or rule.id in reserved:
                other = where.get(rule.id, canary)
                raise CannotScan(f"{path}: the rule {rule.id!r} is in {other} already: rename one")
            rules[rule.id] = rule
            where[rule.id] = path
            # Whether a rule is meant for a path is judged by us: Semgrep does not see the path.
            wanted = {"include": [f"*{mark(len(compiled))}*", f"*{ANY_RULE}*"]}
            compiled.append({**raw, "paths": wanted})
    compiled.append(_EVERY_FILE)
    try:
        return RuleSet(rules, where, canonical_json({"rules": compiled}))
    except (TypeError, ValueError) as error:
        raise CannotScan(f"a rule holds what is no JSON: {error}") from error


def _is_rule_file(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    hidden = any(part.startswith(".") for part in parts)
    tests = path.name.endswith((".test.yaml", ".test.yml"))
    # A table of renamed rules takes part in matching, not in scanning.
    other = hidden or tests or path.name == "renames.yaml"
    return path.suffix in (".yaml", ".yml") and not other and path.is_file()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotScan(f"{path} cannot be read: {error.strerror}") from error


def _raw_rules(path: Path) -> Iterator[dict[str, Any]]:
    try:
        document = yaml_files.load(_read(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CannotScan(f"{path}: it is not UTF-8") from error
    except yaml_files.NotYaml as error:
        raise CannotScan(f"{path}: {error}") from error
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not rules:
        raise CannotScan(f"{path}: it has no list `rules` with a rule in it")
    for raw in rules:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
            raise CannotScan(f"{path}: a rule without `id`")
        yield raw


def _rule(raw: Mapping[str, Any], path: Path) -> Rule:
    name = raw["id"]
    languages = raw.get("languages")
    if not isinstance(languages, list) or not all(isinstance(each, str) for each in languages):
        raise CannotScan(f"{path}: the rule {name!r} has no list `languages`")
    if raw.get("mode") in _MODES_OVER_FILES:
        raise CannotScan(
            f"{path}: the rule {name!r} has the mode {raw['mode']!r}, which looks at several "
            "files at once; Compline scans each file by itself: leave the rule out"
        )
    metadata, paths = _mapping(raw.get("metadata")), _mapping(raw.get("paths"))
    return Rule(
        id=name,
        languages=tuple(languages),
        severity=_severity(metadata, raw),
        confidence=_confidence(metadata),
        title=_title(str(raw.get("message") or name)),
        cwe=_cwe(metadata),
        details=tuple(_details(metadata)),
        paths=PathFilter.of(_words(paths.get("include")), _words(paths.get("exclude"))),
    )


def _severity(metadata: Mapping[str, Any], raw: Mapping[str, Any]) -> Severity:
    own = str(metadata.get("severity", "")).upper()
    return _SEVERITIES.get(own) or _SEVERITIES.get(
        str(raw.get("severity", "")).upper(), Severity.UNKNOWN
    )


def _confidence(metadata: Mapping[str, Any]) -> Confidence:
    try:
        return Confidence(str(metadata.get("confidence", "")).lower())
    except ValueError:
        return Confidence.MEDIUM


def _title(message: str) -> str:
    """The first sentence. What a metavariable stands for is code, so that is left out."""
    text = " ".join(_METAVARIABLE.sub("…", message).split())
    sentence = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].rstrip(".")
    return sentence if len(sentence) <= _LONGEST_TITLE else f"{sentence[: _LONGEST_TITLE - 1]}…"


def _cwe(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    found = re.findall(r"CWE-\d+", " ".join(_words(metadata.get("cwe"))))
    return tuple(sorted(set(found)))


def _details(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if metadata.get("remediation"):
        yield "remediation", " ".join(str(metadata["remediation"]).split())
    for key in ("references", "reference", "owasp", "source"):
        for word in _words(metadata.get(key)):
            yield "reference", word


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if each]
