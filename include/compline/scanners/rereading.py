"""Kept reports and answers, read again by the code that read them first.

What a scanner keeps differs: of foreign reports all but what they quote, of registries every fact,
of package scanners which advisories hold for which package. What cannot be read again says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from compline.evidence.replaying import bare, differences, whole
from compline.model import FindingKind, Observation
from compline.scanners.imports import formats
from compline.scanners.imports.report import Broken, Settings, WrongFile
from compline.scanners.imports.sources import Sources


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of reading a look's reports again."""

    how: str
    """What was read, in words."""
    differences: tuple[str, ...] = ()
    cannot: str = ""
    """Why it could not be read; empty if it could."""


def reread(
    scanner: str,
    said: Sequence[Observation],
    documents: Sequence[bytes],
    settings: Mapping[str, Any],
    reading: Settings,
) -> Reread:
    """Reads a look's documents again and holds what they say against its statement.

    Args:
        scanner: whose.
        said: the statement's observations.
        documents: its reports and answers, from the locker.
        settings: the target's, as they are configured now.
        reading: what foreign reports are read with.
    """
    try:
        bodies = [json.loads(document) for document in documents]
        if scanner.startswith("import:"):
            return _imported(scanner, said, bodies, reading)
        reader = _READERS.get(scanner)
        if reader is None or not bodies:
            return Reread("", cannot="its statement is all that is kept of it")
        return reader(said, bodies, settings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Reread("", cannot=f"its reports cannot be read ({type(error).__name__})")


def _imported(
    scanner: str, said: Sequence[Observation], bodies: Sequence[Any], reading: Settings
) -> Reread:
    body = next(each for each in bodies if each.get("format") == formats.FORMAT)
    name, document = str(body["report"]), body["document"]
    try:
        found = formats.reader(name)(document, Sources(None, known=body["paths"]), reading)
    except (Broken, WrongFile) as error:
        return Reread("the imported report", (f"it can no longer be read: {error}",))
    again = [one for each in found if each.scanner == scanner for one in each.observations]
    return Reread("the imported report", differences(said, again, bare))


def _releases(
    said: Sequence[Observation], bodies: Sequence[Any], _settings: Mapping[str, Any]
) -> Reread:
    """pip-audit: each release's advisories against what is said of its package."""
    known = {
        (f"pypi:{release['name']}", release["version"], frozenset(ids))
        for body in bodies
        for release in body["releases"]
        for ids in release.get("advisories", ())
    }
    found = {
        (one.subject, one.package.version, frozenset(one.aliases))
        for one in said
        if one.kind is FindingKind.DEPENDENCY and one.package
    }
    return Reread("the answers on releases", _sets(known, found))


def _trivy(
    said: Sequence[Observation], bodies: Sequence[Any], _settings: Mapping[str, Any]
) -> Reread:
    """Trivy: its results and the database's answers, as far as both are kept."""
    told: list[str] = []
    results = [body["results"] for body in bodies if "results" in body]
    if results:
        known = {spot for each in results for result in each for spot in _spots(result)}
        found = {(one.rule, one.place.path) for one in said if one.kind is FindingKind.SECRET}
        told += _sets({spot for spot in known if spot[0]}, found)
    answers = [body["vulnerable"] for body in bodies if isinstance(body.get("vulnerable"), dict)]
    if answers:
        rules = {rule for each in answers for ids in each.values() for rule in ids}
        of_said = {one.rule for one in said if one.kind is FindingKind.DEPENDENCY}
        told += _sets(rules, of_said)
    return Reread("its results and the database's answers", tuple(told))


def _trivy_image(
    said: Sequence[Observation], bodies: Sequence[Any], _settings: Mapping[str, Any]
) -> Reread:
    """Trivy over an image: what the database answered, package by package."""
    answers = [body["vulnerable"] for body in bodies if isinstance(body.get("vulnerable"), list)]
    if not answers:
        return Reread("", cannot="its statement is all that is kept of it")
    found = {f"{one.subject} {one.rule}" for one in said if one.kind is FindingKind.DEPENDENCY}
    return Reread("the database's answers", _sets(set(answers[0]), found))


def _spots(result: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return [(str(each["RuleID"]), str(result["Target"])) for each in result.get("Secrets") or ()]


def _registry(
    said: Sequence[Observation], bodies: Sequence[Any], settings: Mapping[str, Any]
) -> Reread:
    """Registries: every fact is kept, so that it can be judged again, by the policy of today."""
    from compline.scanners.registries.buckets import BucketFacts
    from compline.scanners.registries.evaluate import evaluate
    from compline.scanners.registries.facts import RegistryFacts
    from compline.scanners.registries.policy import parse_policy

    body = bodies[0]
    if "facts" not in body:
        return Reread("", cannot="its statement is all that is kept of it")
    facts = TypeAdapter(RegistryFacts).validate_python(body["facts"])
    bucket = TypeAdapter(BucketFacts | None).validate_python(body.get("bucket"))
    policy = parse_policy(settings.get("policy") or {})
    advisories = body.get("advisories") or ()
    again = evaluate(facts, policy, "registry-permissions", advisories, bucket)
    told = differences(said, again, whole)
    if told:
        # The policy of that day is known by its digest only.
        return Reread("", cannot=f"by the policy of today it reads otherwise: {'; '.join(told)}")
    return Reread("the registry's answers, by the policy of today")


def _sets(known: set[Any], found: set[Any]) -> tuple[str, ...]:
    missing = [f"not said: {_word(each)}" for each in sorted(known - found, key=str)]
    more = [f"said without a report: {_word(each)}" for each in sorted(found - known, key=str)]
    return tuple([*missing, *more][:5])


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_word(each) for each in value)
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)


_READERS: Mapping[
    str, Callable[[Sequence[Observation], Sequence[Any], Mapping[str, Any]], Reread]
] = {
    "pip-audit": _releases,
    "trivy": _trivy,
    "trivy-image": _trivy_image,
    "registry-permissions": _registry,
}
