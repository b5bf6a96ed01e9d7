"""What trivy's report says, as observations: misconfigurations, secrets, licences.

Neither messages nor code snippets are kept: both quote the file, which may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compline.findings.fingerprints import CodeEvidence, CodeReader, code_evidence
from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.secret_identity import SecretKey, masked_fingerprint, unmasked
from compline.scanners.trivy.licences import LicencePolicy

Json = Mapping[str, Any]

SECRET_IN_CODE = frozenset({"DS-0031"})
"""Checks whose span holds a secret, so that it may only be hashed with the key."""
_CATEGORY_CWE = {"AsymmetricPrivateKey": "CWE-321"}
_LOCATED_RESOURCE = re.compile(r":\d+(-\d+)?$")


def severity_of(text: object) -> Severity:
    """Trivy's word as ours."""
    try:
        return Severity(str(text).lower())
    except ValueError:
        return Severity.UNKNOWN


def rule_of(entry: Json) -> str:
    """A check's id as it is written now; older versions put AVD- before it."""
    return str(entry.get("AVDID") or entry["ID"]).removeprefix("AVD-")


def misconfiguration(
    scanner: str,
    entry: Json,
    place: Place,
    *,
    content: str | None,
    key: SecretKey | None,
    located: bool = True,
    suppression: str = "",
) -> Observation:
    """One failed check.

    Args:
        scanner: under whose name.
        entry: of the report's `Misconfigurations`.
        place: path and blob of the file.
        content: its text; None where it is not at hand, or the reported lines are of something
            else: then the lines quoted in the report stand for the code.
        key: hashes code that holds a secret.
        located: whether the reported line numbers are those of the file.
        suppression: the comment in the file that asks to ignore it.
    """
    cause = entry.get("CauseMetadata") or {}
    line, end_line = cause.get("StartLine"), cause.get("EndLine")
    rule = rule_of(entry)
    evidence = CodeEvidence((), "")
    if line:
        if content is not None:
            text = "\n".join(content.split("\n")[line - 1 : end_line])
            evidence = CodeReader(place.path, content).evidence(line, end_line)
        else:
            text = "\n".join(_cause_lines(cause))
            quoted = code_evidence(place.path, text, 1, text.count("\n") + 1)
            evidence = CodeEvidence(quoted.fingerprints, "")  # of what is around nothing is known
        if rule in SECRET_IN_CODE:
            evidence = CodeEvidence(_keyed(" ".join(text.split()), key), evidence.symbol)
    resource = str(cause.get("Resource") or "")
    if _LOCATED_RESOURCE.search(resource):
        resource = ""  # a place, not a name
    return Observation(
        scanner=scanner,
        rule=rule,
        kind=FindingKind.MISCONFIGURATION,
        severity=severity_of(entry.get("Severity")),
        confidence=Confidence.HIGH,
        title=one_line(entry.get("Title") or rule),
        place=Place(
            place.path,
            line if located else None,
            end_line if located else None,
            symbol=resource[:200] or evidence.symbol,
            blob=place.blob,
            scope=evidence.scope,
        ),
        fingerprints=evidence.fingerprints,
        suppression=suppression,
        details=_details(
            remedy=one_line(entry.get("Resolution") or ""),
            reference=str(entry.get("PrimaryURL") or ""),
        ),
    )


def secret(
    scanner: str, entry: Json, place: Place, content: bytes | None, key: SecretKey
) -> Observation:
    """One secret.

    Args:
        scanner: under whose name.
        entry: of the report's `Secrets`.
        place: path and blob of the file.
        content: the file, of which only the hash of the secret is kept; None where it cannot be
            had: then the secret is known by its place.
        key: hashes it.
    """
    line, end_line = int(entry["StartLine"]), int(entry["EndLine"])
    rule, masked = str(entry["RuleID"]), str(entry.get("Match") or "")
    if content is None:
        text = f"{rule}\0{place.path}\0{line}".encode()
    elif "*" in masked or end_line > line:
        offset = entry.get("Offset")
        text = unmasked(content, line, end_line, masked, offset if end_line == line else None)
    else:
        text = f"{rule}\0".encode() + content  # found in a binary, of which no lines are known
    return Observation(
        scanner=scanner,
        rule=rule,
        kind=FindingKind.SECRET,
        severity=severity_of(entry.get("Severity")),
        confidence=Confidence.HIGH,
        title=f"{one_line(entry.get('Title') or rule)} in the clear",
        place=Place(place.path, line, end_line, blob=place.blob),
        subject=key.subject(text),
        fingerprints=(*key.former_subjects(text), *masked_fingerprint(masked)),
        cwe=(_CATEGORY_CWE.get(str(entry.get("Category")), "CWE-798"),),
        details=_details(remedy="revoke it where it is accepted, then remove it"),
    )


def licences(
    scanner: str,
    entries: Sequence[Json],
    place_of: Mapping[str, Place],
    ecosystem: str,
    policy: LicencePolicy,
) -> Iterator[Observation]:
    """Forbidden ones among the report's `Licenses`.

    Args:
        scanner: under whose name.
        entries: of one result.
        place_of: package name to where it is required.
        ecosystem: of the packages.
        policy: what is forbidden.
    """
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        package, licence = str(entry.get("PkgName") or ""), str(entry.get("Name") or "")
        if (package, licence) in seen or not policy.forbids(licence):
            continue
        seen.add((package, licence))
        place = place_of.get(package) or Place(str(entry.get("FilePath") or ""))
        about = f"{ecosystem}:{package}" if package else place.path
        yield Observation(
            scanner=scanner,
            rule="forbidden-licence",
            kind=FindingKind.LICENSE,
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"{package or place.path} is under {one_line(licence)}",
            place=place,
            subject=f"{about}:{one_line(licence)}",
            details=_details(remedy="replace it, or have the licence accepted"),
        )


def evidence_of(results: Sequence[Json]) -> list[dict[str, Any]]:
    """The report without anything out of the files: what may be kept."""
    kept = {
        "Misconfigurations": ("ID", "AVDID", "Title", "Severity", "Status"),
        "Secrets": ("RuleID", "Category", "Severity", "Title", "StartLine", "EndLine"),
        "Licenses": ("PkgName", "Name", "FilePath"),
    }
    masked = []
    for result in results:
        one = {name: result[name] for name in ("Target", "Class", "Type") if name in result}
        for part, fields in kept.items():
            entries = [
                {name: entry[name] for name in fields if name in entry}
                | _span(entry.get("CauseMetadata") or {})
                for entry in result.get(part) or ()
            ]
            if entries:
                one[part] = entries
        if one.keys() & kept.keys() or "MisconfSummary" in result:
            masked.append(one)
    return masked


def one_line(text: object) -> str:
    """A short text without line breaks and control characters."""
    said = str(text)
    if not said.isprintable():
        said = "".join(each if each.isprintable() else " " for each in said)
    return said.strip()[:200]


def _keyed(text: str, key: SecretKey | None) -> tuple[tuple[str, str], ...]:
    """Fingerprints of code that holds a secret, one for each key."""
    if key is None:
        return ()
    own = (f"keyed/1:{key.id}", key.digest(text.encode()))
    return (own, *key.former_digests(text.encode(), "keyed/1"))


def _span(cause: Json) -> dict[str, Any]:
    return {name: cause[name] for name in ("StartLine", "EndLine") if name in cause}


def _cause_lines(cause: Json) -> list[str]:
    lines = (cause.get("Code") or {}).get("Lines") or ()
    return [str(line.get("Content") or "") for line in lines if line.get("IsCause")]


def _details(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in values.items() if value)
