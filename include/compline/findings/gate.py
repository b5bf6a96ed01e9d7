"""The promotion gate, judged: whether a model version may be deployed, requirement by requirement.

Pure. A requirement is met only by evidence that it holds; what nobody could look at is unknown. A
finding breaches it wherever else nobody could look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from compline.model import Severity, digest_of


class GateVerdict(StrEnum):
    """What the gate says of a requirement, and as a whole."""

    MET = "met"
    BREACHED = "breached"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement, judged."""

    name: str
    verdict: GateVerdict
    reason: str
    accepted: tuple[str, ...] = ()
    """Ids of the waived findings that would have breached it."""


@dataclass(frozen=True, slots=True)
class Defect:
    """An open finding that a requirement is about."""

    id: str
    rule: str
    severity: Severity
    title: str
    path: str
    waived: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What one tool that opens model files said of a version."""

    scanner: str
    problem: str
    """Why its last look says nothing; empty if it can be relied on."""
    whole: Mapping[str, str]
    """Path within the version to the content that it has looked at to the end."""


def decide(requirements: Iterable[Requirement]) -> GateVerdict:
    """Breached if anything is, else unknown if anything is or nothing was asked, else met."""
    verdicts = {each.verdict for each in requirements}
    if GateVerdict.BREACHED in verdicts:
        return GateVerdict.BREACHED
    return GateVerdict.MET if verdicts == {GateVerdict.MET} else GateVerdict.UNKNOWN


def model_digest(files: Mapping[str, str]) -> str:
    """SHA-256 over path and SHA-256 of each file of a version, in order of paths.

    Args:
        files: path within the version to the content's SHA-256 in hexadecimal.
    """
    return f"sha256:{digest_of(sorted(files.items()))}"


def judge(
    name: str,
    problems: Sequence[str],
    defects: Iterable[Defect],
    fail_at: Severity,
    met: str,
) -> Requirement:
    """A requirement that open findings breach.

    Args:
        name: the requirement's.
        problems: why nobody can tell; empty if all could be looked at.
        defects: the open findings that it is about.
        fail_at: the least severity that breaches it.
        met: what is said where nothing is wrong.
    """
    grave = [each for each in defects if each.severity.reaches(fail_at)]
    open_ = [each for each in grave if not each.waived]
    accepted = tuple(sorted(each.id for each in grave if each.waived))
    if open_:
        told = _few([f"{each.title} ({each.path}, {each.severity}, {each.id})" for each in open_])
        return Requirement(name, GateVerdict.BREACHED, told, accepted)
    if problems:
        return Requirement(name, GateVerdict.UNKNOWN, _few(problems), accepted)
    return Requirement(name, GateVerdict.MET, met, accepted)


def unscanned(files: Mapping[str, str], opened: Sequence[Opened], signature: str) -> list[str]:
    """Why the files of a version do not count as scanned; empty if they do.

    Every tool must have had a look that counts; a file that one of them has looked at wholly is
    scanned, since they differ in what they know. It must be the content that is there now.

    Args:
        files: path to content of everything in the version.
        opened: each tool that is enabled.
        signature: path of the signature, which no tool opens.
    """
    if not opened:
        return ["no tool that opens model files is enabled"]
    problems = [f"{each.scanner}: {each.problem}" for each in opened if each.problem]
    if problems:
        return problems
    found = []
    for path, content in sorted(files.items()):
        if path == signature:
            continue
        seen = {each.whole[path] for each in opened if path in each.whole}
        if not seen:
            found.append(f"no tool has looked at all of {path}")
        elif content not in seen:
            found.append(f"{path} was changed since it was scanned")
    return found


def signature(verdict: str, waived: Sequence[str]) -> Requirement:
    """Whether the version is signed with a key that counts.

    Args:
        verdict: model-guard's (`scanners/models/guard/rules.py`).
        waived: ids of waived findings that tell of this version's signature.
    """
    name = "signature"
    if verdict == "good":
        return Requirement(name, GateVerdict.MET, "signed with a configured key or certificate")
    said = {
        "none": "it is not signed",
        "other-key": "signed with a key or certificate that does not count",
        "content": "its files are not what was signed",
        "unreadable": "what is in the signature's place is none",
    }.get(verdict)
    if said is not None:
        return _accepted(Requirement(name, GateVerdict.BREACHED, said), waived)
    if verdict == "unverified":
        text = "it is signed, and no key is configured to verify it with (`models.keys`)"
        return Requirement(name, GateVerdict.UNKNOWN, text)
    return Requirement(name, GateVerdict.UNKNOWN, "nobody could tell whether it is signed")


def licence(
    stated: str, allowed: Iterable[str], unasked: str, waived: Sequence[str]
) -> Requirement:
    """Whether a licence is stated, and one that is allowed.

    Args:
        stated: an SPDX id; empty where none is known.
        allowed: SPDX ids; empty: any.
        unasked: why nothing that is missing is known to be missing; empty if it is.
        waived: ids of waived findings that tell of the model's licence.
    """
    name, known = "licence", {each.casefold() for each in allowed}
    if not stated:
        if unasked:
            return Requirement(name, GateVerdict.UNKNOWN, unasked)
        return _accepted(Requirement(name, GateVerdict.BREACHED, "none is stated"), waived)
    if known and stated.casefold() not in known:
        text = f"{stated} is none of those allowed"
        return _accepted(Requirement(name, GateVerdict.BREACHED, text), waived)
    return Requirement(name, GateVerdict.MET, stated)


def provenance(
    origin: Mapping[str, str], wanted: Sequence[str], unasked: str, waived: Sequence[str]
) -> Requirement:
    """Whether it is known where the version comes from.

    Args:
        origin: `run`, `commit`, `dataset` as far as they are known.
        wanted: which must be; empty: any of them.
        unasked: as for `licence`.
        waived: ids of waived findings that tell of the model's provenance.
    """
    name, parts = "provenance", ("run", "commit", "dataset")
    known = {part: origin[part] for part in parts if origin.get(part)}
    missing = [part for part in wanted or parts if part not in known]
    if missing if wanted else not known:
        if unasked:
            return Requirement(name, GateVerdict.UNKNOWN, unasked)
        text = f"no {', no '.join(missing)} is known"
        return _accepted(Requirement(name, GateVerdict.BREACHED, text), waived)
    told = ", ".join(f"{part} {value}" for part, value in known.items())
    return Requirement(name, GateVerdict.MET, told)


def formats(found: Sequence[str], allowed: Iterable[str], waived: Sequence[str]) -> Requirement:
    """Whether every format in the version is one that cannot run code, or is allowed."""
    known = {each.casefold() for each in allowed}
    refused = [each for each in found if each.casefold() not in known]
    if refused:
        text = f"{', '.join(refused)} can run code when it is loaded"
        return _accepted(Requirement("formats", GateVerdict.BREACHED, text), waived)
    return Requirement("formats", GateVerdict.MET, "none that can run code, or allowed ones only")


def _accepted(requirement: Requirement, waived: Sequence[str]) -> Requirement:
    """The breach as met where its finding is waived."""
    if not waived:
        return requirement
    return Requirement(
        requirement.name,
        GateVerdict.MET,
        f"accepted by a waiver: {requirement.reason}",
        tuple(sorted(waived)),
    )


def _few(told: Sequence[str]) -> str:
    more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
    return "; ".join(told[:5]) + more
