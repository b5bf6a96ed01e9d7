"""The checks of schemathesis that are made, and what a failure of each means here.

Checks that need other credentials, or that change things one after the other, are left out: the
guard asks who is let in, and generated requests should leave as little behind as they can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compline.model import Confidence, Severity


@dataclass(frozen=True)
class Check:
    """One check."""

    severity: Severity
    confidence: Confidence
    title: str
    remediation: str
    cwe: tuple[str, ...]


CHECKS: Mapping[str, Check] = {
    "not_a_server_error": Check(
        Severity.HIGH,
        Confidence.HIGH,
        "breaks on generated requests: it answers with a server error",
        "Validate what comes in, and answer what is wrong with a 4xx.",
        ("CWE-20", "CWE-755"),
    ),
    "negative_data_rejection": Check(
        Severity.MEDIUM,
        Confidence.MEDIUM,
        "takes requests that its document forbids",
        "Validate requests by the schema that the document shows.",
        ("CWE-20",),
    ),
    "response_schema_conformance": Check(
        Severity.LOW,
        Confidence.HIGH,
        "answers otherwise than its document says",
        "Answer by the schema, or mend the document: fields that nobody knows of may leak.",
        ("CWE-213",),
    ),
    "status_code_conformance": Check(
        Severity.LOW,
        Confidence.HIGH,
        "answers with a status that its document does not have",
        "Add the status to the document, or do not send it.",
        ("CWE-755",),
    ),
    "content_type_conformance": Check(
        Severity.LOW,
        Confidence.HIGH,
        "answers with a content type that its document does not have",
        "Send the content type of the document, or add it there.",
        ("CWE-436",),
    ),
}
"""schemathesis' name to the check; the rule has dashes for its underscores."""
