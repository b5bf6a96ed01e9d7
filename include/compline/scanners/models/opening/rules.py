"""Our rules about model files: one name for one defect, whichever tool speaks of it.

Two tools that see a call of os.system in one pickle mean one defect. So what they say is put
under the rule of its family: equal rule and file are one finding with two witnesses. Which of
the tool's own rules and imports it was stands in the details.
"""

from __future__ import annotations

from dataclasses import dataclass

from compline.model import Severity


@dataclass(frozen=True, slots=True)
class ModelRule:
    """What people read of a rule."""

    title: str
    cwe: str
    remediation: str


_INSPECT = "Find out who put it there; load nothing of this version, and train or fetch it anew."
RULES: dict[str, ModelRule] = {
    "unsafe-deserialisation": ModelRule(
        "Loading this model file runs code",
        "CWE-502",
        f"{_INSPECT} Keep weights in a format that carries no code: safetensors, ONNX, GGUF.",
    ),
    "code-in-model": ModelRule(
        "The model holds code of its own, which runs when it is used",
        "CWE-94",
        "Replace layers with code by layers of the framework; review what must stay.",
    ),
    "network-in-model": ModelRule(
        "The model file speaks of network connections", "CWE-829", _INSPECT
    ),
    "path-escape": ModelRule(
        "The model file reaches for files outside its folder", "CWE-22", _INSPECT
    ),
    "unpacking-bomb": ModelRule(
        "The model file unpacks to far more than its size", "CWE-409", _INSPECT
    ),
    "executable-in-model": ModelRule(
        "The model file holds a program or script", "CWE-829", _INSPECT
    ),
    "obfuscated-content": ModelRule("The model file hides what is in it", "CWE-506", _INSPECT),
    "secret-in-model": ModelRule(
        "The model file holds what looks like a credential",
        "CWE-798",
        "Change the credential, and remove it from the file and where the file comes from.",
    ),
    "suspicious-weights": ModelRule(
        "The weights look tampered with", "CWE-345", "Compare them with a trusted copy."
    ),
    "known-malicious": ModelRule("The model is known to be malicious", "CWE-506", _INSPECT),
    "suspicious-model": ModelRule(
        "The model file is unusual in a way that attacks need", "CWE-345", _INSPECT
    ),
}
_BY_CODE = (
    (range(510, 511), "code-in-model"),
    (range(214, 215), "unpacking-bomb"),
    (range(410, 411), "unpacking-bomb"),
    (range(100, 300), "unsafe-deserialisation"),
    (range(300, 400), "network-in-model"),
    (range(400, 500), "path-escape"),
    (range(500, 600), "executable-in-model"),
    (range(600, 700), "obfuscated-content"),
    (range(700, 800), "secret-in-model"),
    (range(810, 811), "code-in-model"),
    (range(800, 900), "suspicious-weights"),
    (range(1001, 1004), "known-malicious"),
    (range(1101, 1102), "unsafe-deserialisation"),
    (range(1102, 1104), "code-in-model"),
    (range(1105, 1110), "code-in-model"),
)
"""modelaudit's rule codes by their hundreds, as its rule catalogue has them; the first holds."""


def rule_of(code: str) -> str:
    """Our rule for one of modelaudit's codes (`S201`)."""
    number = int(code[1:]) if code[1:].isdecimal() else 0
    return next((rule for codes, rule in _BY_CODE if number in codes), "suspicious-model")


def severity_of(rule: str, said: str) -> Severity:
    """Our severity for modelaudit's `critical` or `warning`.

    Only what runs code is critical: a URL in a text is not, however loudly it is reported.
    """
    if said != "critical":
        return Severity.MEDIUM
    grave = ("unsafe-deserialisation", "known-malicious")
    return Severity.CRITICAL if rule in grave else Severity.HIGH
