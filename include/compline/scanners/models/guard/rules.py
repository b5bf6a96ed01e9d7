"""What vouches for models, judged: formats, licences, provenance, signatures, production. Pure.

Licence and provenance are asked of the version that production serves and of the newest one:
what was wrong with older ones can be mended no more. Signatures are asked of the version that
production serves; one that is there and does not hold is told of any version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.models.artifacts import Model, alias_of

NAME = "model-guard"


@dataclass(frozen=True, slots=True)
class GuardRule:
    """What people read of a rule."""

    severity: Severity
    title: str
    cwe: str
    remediation: str


_SIGN = "Have the one who approves it sign it: `model_signing sign key --private_key … FOLDER`."
RULES: dict[str, GuardRule] = {
    "unsafe-format": GuardRule(
        Severity.MEDIUM,
        "The model is kept in a format that can run code when it is loaded",
        "CWE-502",
        "Save weights as safetensors, ONNX or GGUF; or allow the format under `models.formats`.",
    ),
    "licence-missing": GuardRule(
        Severity.LOW,
        "Nothing states under which licence the model may be used",
        "CWE-1357",
        "State it at the head of the model's README.md (`license: apache-2.0`) or as a tag.",
    ),
    "licence-refused": GuardRule(
        Severity.HIGH,
        "The model's licence is none of those allowed",
        "CWE-1357",
        "Use another model, or have the licence added to `models.licences`.",
    ),
    "provenance-missing": GuardRule(
        Severity.MEDIUM,
        "Nobody can tell where the model comes from",
        "CWE-345",
        "Register it from its run, with the commit and data set that it was trained with.",
    ),
    "signature-refused": GuardRule(
        Severity.CRITICAL,
        "The model's signature does not hold",
        "CWE-347",
        "Compare it with what was approved; put back what was signed, or have it signed anew.",
    ),
    "production-unsigned": GuardRule(
        Severity.HIGH, "Production serves a version that was never signed", "CWE-347", _SIGN
    ),
    "production-unverified": GuardRule(
        Severity.MEDIUM,
        "Production serves a signed version, and no key is configured to verify it with",
        "CWE-347",
        "Name the public keys that count under `models.keys`.",
    ),
    "production-unscanned": GuardRule(
        Severity.HIGH,
        "Production serves a version that no tool has ever looked at to the end",
        "CWE-1357",
        "See the gaps of modelaudit and picklescan; keep files that both can open.",
    ),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out about one version."""

    formats: tuple[str, ...] = ()
    """Formats in it that can run code."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """`licence`, `run`, `commit`, `dataset`, as far as they are known."""
    judged_by_card: bool = True
    """Whether its cards could be read, if it has any."""
    asked: bool = True
    """Whether it was asked for its card and its run."""
    signature: str = ""
    """`none`, `unverified`, or a `Verdict`; empty where nobody could tell."""
    unscanned: tuple[str, ...] = ()
    """Tools that never looked at all of it."""


def judge(
    models: tuple[Model, ...], known: Mapping[tuple[str, str], Known], rules: Mapping[str, Any]
) -> tuple[Observation, ...]:
    """Every defect, model by model.

    Args:
        models: with versions and aliases.
        known: by model and version.
        rules: the target's `models:` section.
    """
    found: list[Observation] = []
    for model in models:
        found += _of_model(model, known, rules)
        for version in model.versions:
            verdict = known.get((model.name, version.name), Known()).signature
            if verdict in ("other-key", "content", "unreadable"):
                place = "/".join(filter(None, (model.name, version.name)))
                words = {
                    "other-key": "signed with another key or certificate",
                    "content": "its files are not what was signed",
                    "unreadable": "what is there is no model signature",
                }
                found.append(_told("signature-refused", place, {"why": words[verdict]}))
        if model.served is not None:
            found += _of_production(model, known.get((model.name, model.served), Known()))
    return tuple(found)


def _of_model(
    model: Model, known: Mapping[tuple[str, str], Known], rules: Mapping[str, Any]
) -> list[Observation]:
    found = []
    formats: dict[str, list[str]] = {}
    for version in model.versions:
        for each in known.get((model.name, version.name), Known()).formats:
            if each.casefold() not in {name.casefold() for name in rules["formats"]}:
                formats.setdefault(each, []).append(version.name or "-")
    if formats:
        told = "; ".join(f"{name}: {_few(names)}" for name, names in sorted(formats.items()))
        found.append(_told("unsafe-format", model.name, {"formats by version": told}))
    judged = {model.served, *(v.name for v in model.versions[-1:])}
    allowed = {name.casefold() for name in rules["licences"]}
    refused: dict[str, list[str]] = {}
    for version in model.versions:
        one = known.get((model.name, version.name))
        if version.name not in judged or one is None or not one.judged_by_card:
            continue
        licence = one.origin.get("licence", "")
        if not licence:
            refused.setdefault("licence-missing", []).append(version.name or "-")
        elif allowed and licence.casefold() not in allowed:
            refused.setdefault("licence-refused", []).append(f"{version.name or '-'} ({licence})")
        missing = [name for name in rules["provenance"] if not one.origin.get(name)]
        if missing:
            text = f"{version.name or '-'} (no {', no '.join(missing)})"
            refused.setdefault("provenance-missing", []).append(text)
    found += [_told(rule, model.name, {"versions": _few(v)}) for rule, v in refused.items()]
    return found


def _of_production(model: Model, one: Known) -> list[Observation]:
    subject = alias_of(model.name)
    said = {"version": model.served} if model.served else {}
    found = []
    if one.signature == "none":
        found.append(_told("production-unsigned", subject, said))
    if one.signature == "unverified":
        found.append(_told("production-unverified", subject, said))
    if one.unscanned:
        text = ", ".join(one.unscanned)
        found.append(_told("production-unscanned", subject, {**said, "tools": text}))
    return found


def _told(rule: str, subject: str, details: Mapping[str, str]) -> Observation:
    of = RULES[rule]
    return Observation(
        scanner=NAME,
        rule=rule,
        kind=FindingKind.MODEL,
        severity=of.severity,
        confidence=Confidence.HIGH,
        title=of.title,
        place=Place(subject),
        subject=subject,
        cwe=(of.cwe,),
        details=(("remediation", of.remediation), *details.items()),
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[-20:]) + more
