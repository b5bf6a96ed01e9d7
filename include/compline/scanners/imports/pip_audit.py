"""pip-audit's JSON of another place: advisories, put where the tree's manifests pin the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from compline.advisories.service import Release
from compline.model import FindingKind, Gap, GapReason, Observation
from compline.scanners.imports.report import Broken, Json, Reading, Settings
from compline.scanners.imports.sources import Sources
from compline.scanners.pip_audit.findings import gaps, observations
from compline.scanners.pip_audit.tool import Answer, AuditFailed, read_answers
from compline.scanners.requirements.model import Manifest, Pin
from compline.scanners.requirements.tree import Found, TreeRequirements, read_tree

SHAPE = {
    "dependencies": [
        {
            "name": True,
            "version": True,
            "skip_reason": True,
            "vulns": [{"id": True, "fix_versions": [True], "aliases": [True]}],
        }
    ]
}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nobody asks when: a report is not kept by release."""


def read(document: Json, sources: Sources, _settings: Settings) -> list[Reading]:
    """What the report says.

    A release that no manifest of the tree pins was in the environment that was audited: it has no
    place, and is a finding all the same.

    Raises:
        Broken: parts of it are missing.
    """
    try:
        answers = read_answers(document, {}, _NEVER)
    except AuditFailed:
        raise Broken("pip-audit's report is not whole") from None
    tree = _pinned(sources, answers)
    placed = {(pin.name, pin.version) for each in tree.manifests for pin in each.manifest.pins}
    loose = tuple(Pin(*release) for release in sorted(answers) if release not in placed)
    elsewhere = Found("", "", "requirements", Manifest(tuple(pin for pin in loose if pin.version)))
    whole = TreeRequirements((*tree.manifests, elsewhere), ())
    found = tuple(
        replace(each, scanner="import:pip-audit")
        for each in observations(whole, answers)
        if each.kind is FindingKind.DEPENDENCY
    )
    return [Reading("pip-audit", "", _unique(found), tuple(_skipped(answers, whole)))]


def _pinned(sources: Sources, answers: dict[Release, Answer]) -> TreeRequirements:
    """The tree's manifests, with those pins only that the report speaks of."""
    if sources.snapshot is None:
        return TreeRequirements((), ())
    tree = read_tree(sources.blobs, sources.snapshot.read)
    kept = []
    for each in tree.manifests:
        pins = tuple(pin for pin in each.manifest.pins if (pin.name, pin.version) in answers)
        if pins:
            kept.append(replace(each, manifest=Manifest(pins)))
    return TreeRequirements(tuple(kept), ())


def _skipped(answers: dict[Release, Answer], tree: TreeRequirements) -> Iterator[Gap]:
    yield from gaps(tree, answers)
    for (name, version), answer in sorted(answers.items()):
        if answer.skipped and not version:
            # It is reported by its name alone, and may be in any manifest.
            yield Gap(GapReason.UNRESOLVED, "", "pip-audit skipped it", 1, (f"pypi:{name}",))


def _unique(found: tuple[Observation, ...]) -> tuple[Observation, ...]:
    return tuple(dict.fromkeys(found))
