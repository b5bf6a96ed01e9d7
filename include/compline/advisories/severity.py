"""An advisory's severity: from its CVSS vector, else from the word that its database gives."""

from __future__ import annotations

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from compline.advisories.records import Record
from compline.model import Severity

_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
_NEWEST_FIRST = (("CVSS_V4", CVSS4), ("CVSS_V3", CVSS3), ("CVSS_V2", CVSS2))


def of_score(score: float) -> Severity:
    """The qualitative rating of a CVSS base score (0 to 10), as the CVSS 3 and 4 standards map it.

    CVSS 2 has no critical; its scores of 9 and more are rated so all the same, as is usual.
    """
    for least, severity in (
        (9.0, Severity.CRITICAL),
        (7.0, Severity.HIGH),
        (4.0, Severity.MEDIUM),
        (0.1, Severity.LOW),
    ):
        if score >= least:
            return severity
    return Severity.INFO


def of_record(record: Record) -> tuple[Severity, str]:
    """Severity and the vector that it was computed from.

    The newest version of CVSS that parses decides; without a vector the database's own word, as
    GitHub's advisories have it; else unknown.
    """
    vectors = {
        entry.get("type"): entry.get("score", "")
        for part in (record, *(record.get("affected") or ()))
        for entry in part.get("severity") or ()
        if isinstance(entry, dict)
    }
    for kind, parse in _NEWEST_FIRST:
        vector = vectors.get(kind)
        if isinstance(vector, str) and vector:
            try:
                return of_score(float(parse(vector).base_score)), vector
            except CVSSError:
                continue
    word = (record.get("database_specific") or {}).get("severity", "")
    return _WORDS.get(str(word).upper(), Severity.UNKNOWN), ""
