"""Which observation is which known witness: one to one, in stages, the surest first.

Identity never hangs on a line number, a message, a severity or a file of rules. Equal things are
told apart by the line map between the old and the new content. What matches nothing is new, so
copies are new; a known witness that nothing matches is missing, and what that means is judged in
`lifecycle`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from compline.findings.aliases import AliasGroups
from compline.findings.change import TreeChange
from compline.findings.desk import Desk, KeyOf, Matching
from compline.findings.known import SUBJECT_KINDS, KnownWitness
from compline.findings.renames import RuleRenames
from compline.model import FindingKind, Observation


def match(
    known: Sequence[KnownWitness],
    observations: Sequence[Observation],
    change: TreeChange | None = None,
    renames: RuleRenames | None = None,
    *,
    returning: bool = False,
) -> Matching:
    """Matches what one or more scanners say now to what they were known to say.

    Args:
        known: witnesses of the target; the order matters only among the indistinguishable.
        observations: the new statements about the same target.
        change: what happened between the revision at which the witnesses stand and the new one;
            None where nobody can tell, then content alone decides.
        renames: rules that have another name now.
        returning: the witnesses are gone ones: what comes back does so in the definition that it
            was in; equal code in another one is new.
    """
    desk = Desk(known, observations, change or TreeChange(), renames or RuleRenames())
    stages = [_same_place, _same_subject, _same_secret, _same_code]
    if not returning:
        stages += [_renamed_around, _same_line]
    for stage in (*stages, _same_file):
        if not desk.open:
            break
        stage(desk)
    return desk.result()


def _same_place(desk: Desk) -> None:
    """The same content at the same place: nothing has happened to it."""

    def key(observation: Observation, path: str) -> Hashable | None:
        place = observation.place
        if observation.kind in SUBJECT_KINDS or not place.blob:
            return None
        span = (place.cell, place.line, place.end_line, place.column, place.end_column)
        return (observation.scanner, observation.rule, observation.subject, path, place.blob, span)

    desk.stage(key, lambda known, found: zip(known, found, strict=False))


def _same_subject(desk: Desk) -> None:
    """What is known by its subject: package and advisory group, secret, licence, resource."""
    groups = AliasGroups(
        observation
        for observation in desk.observations()
        if observation.kind is FindingKind.DEPENDENCY
    )

    def key_of(*, aliases: bool, version: bool) -> KeyOf:
        def key(observation: Observation, path: str) -> Hashable | None:
            kind = observation.kind
            if kind not in SUBJECT_KINDS:
                return None
            package = observation.package
            return (
                observation.scanner,
                kind,
                groups.of(observation) if aliases else observation.rule,
                observation.subject,
                path,
                # Only to tell two versions in one lock file apart: a bump within the affected
                # range is the same finding, and comes to its match in the next stage.
                package.version if package and version else "",
            )

        return key

    def secret(observation: Observation, path: str) -> Hashable | None:
        # One credential, whatever pattern has caught it this time.
        if observation.kind is not FindingKind.SECRET:
            return None
        return (observation.scanner, observation.subject, path)

    for aliases in (False, True):
        for version in (True, False):
            desk.stage(key_of(aliases=aliases, version=version), desk.by_position)
    desk.stage(secret, desk.by_position)


def _same_secret(desk: Desk) -> None:
    """A credential hashed with a former key: its hash under that key, or the rest of its line.

    A subject is `method:key:hash`; under a key that is still known, another hash is another
    credential, however much its line looks like the one before.
    """
    tellable = {
        _key_of(subject)
        for observation in desk.found()
        if observation.kind is FindingKind.SECRET
        for subject in (observation.subject, *_former_subjects(observation))
    }
    if not tellable:
        return

    def key_for(version: str) -> KeyOf:
        def key(observation: Observation, path: str) -> Hashable | None:
            if observation.kind is not FindingKind.SECRET:
                return None
            value = dict(observation.fingerprints).get(version)
            if _key_of(observation.subject) == version:
                value = observation.subject
            return None if value is None else (observation.scanner, path, value)

        return key

    for version in desk.versions():
        former = version in tellable
        desk.stage(
            key_for(version),
            desk.by_position,
            among=None
            if former
            else lambda witness: _key_of(witness.observation.subject) not in tellable,
        )


def _key_of(subject: str) -> str:
    return subject.rpartition(":")[0]


def _former_subjects(secret: Observation) -> list[str]:
    """Its subjects under former keys: fingerprints whose version is their own `method:key`."""
    return [value for version, value in secret.fingerprints if _key_of(value) == version]


def _same_code(desk: Desk) -> None:
    """Equal rule, code and enclosing symbol."""
    for version in desk.versions():
        desk.stage(_code_key(version, "symbol"), desk.by_position)


def _renamed_around(desk: Desk) -> None:
    """Equal rule and code; what it is in has another name."""
    versions = desk.versions()
    for version in versions:
        desk.stage(_code_key(version, "scope"), desk.by_position, renamed=True)
    for version in versions:
        desk.stage(_code_key(version, ""), desk.by_hunk_or_alone)


def _code_key(version: str, inside: str) -> KeyOf:
    """Rule, code, and what it is inside of: the `symbol`, what that holds (`scope`), or nothing."""

    def key(observation: Observation, path: str) -> Hashable | None:
        if observation.kind in SUBJECT_KINDS:
            return None
        value = dict(observation.fingerprints).get(version)
        if not version and not observation.fingerprints:
            value = ""  # a statement about a whole file
        if value is None:
            return None
        place = observation.place
        around = place.symbol if inside == "symbol" else place.scope if inside == "scope" else ""
        if inside == "scope" and not around:
            return None
        return (observation.scanner, observation.rule, observation.subject, path, value, around)

    return key


def _same_line(desk: Desk) -> None:
    """A statement that goes on where its first line was kept: its other lines have changed."""

    def key(observation: Observation, path: str) -> Hashable | None:
        if observation.kind in SUBJECT_KINDS:
            return None
        return (observation.scanner, observation.rule, observation.subject, path)

    desk.stage(key, desk.by_line)


def _same_file(desk: Desk) -> None:
    """A setting in an image's file, which has no line map: rule, file and named resource."""

    def key(observation: Observation, path: str) -> Hashable | None:
        place = observation.place
        if observation.kind is not FindingKind.MISCONFIGURATION or place.blob:
            return None
        return (observation.scanner, observation.rule, observation.subject, path, place.symbol)

    desk.stage(key, desk.by_position)
