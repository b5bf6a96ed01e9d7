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
from compline.model import FindingKind, Observation


def match(
    known: Sequence[KnownWitness],
    observations: Sequence[Observation],
    change: TreeChange | None = None,
) -> Matching:
    """Matches what one or more scanners say now to what they were known to say.

    Args:
        known: witnesses of the target; the order matters only among the indistinguishable.
        observations: the new statements about the same target.
        change: what happened between the revision at which the witnesses stand and the new one;
            None where nobody can tell, then content alone decides.
    """
    desk = Desk(known, observations, change or TreeChange())
    for stage in (_same_place, _same_subject, _same_secret, _same_code, _same_line):
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

    def named(observation: Observation, path: str) -> tuple[Hashable, ...] | None:
        kind = observation.kind
        if kind not in SUBJECT_KINDS:
            return None
        name = groups.of(observation) if kind is FindingKind.DEPENDENCY else observation.rule
        return (observation.scanner, kind, name, observation.subject, path)

    def with_version(observation: Observation, path: str) -> Hashable | None:
        key = named(observation, path)
        # Only to tell two versions in one lock file apart: a bump within the affected range is
        # the same finding, and comes to its match in the next stage.
        version = observation.package.version if observation.package else ""
        return None if key is None else (*key, version)

    def secret(observation: Observation, path: str) -> Hashable | None:
        # One credential, whatever pattern has caught it this time.
        if observation.kind is not FindingKind.SECRET:
            return None
        return (observation.scanner, observation.subject, path)

    for key in (with_version, named, secret):
        desk.stage(key, desk.by_position)


def _same_secret(desk: Desk) -> None:
    """A credential hashed with a former key: the rest of its line, or an older hash, links it.

    A subject is `method:key:hash`. Under the key in use another hash is another credential,
    however much its line looks like the one before.
    """
    in_use = {
        _key_of(observation)
        for observation in desk.found()
        if observation.kind is FindingKind.SECRET
    }
    if not in_use:
        return

    def key_for(version: str) -> KeyOf:
        def key(observation: Observation, path: str) -> Hashable | None:
            value = dict(observation.fingerprints).get(version)
            if observation.kind is not FindingKind.SECRET or value is None:
                return None
            return (observation.scanner, observation.rule, path, value)

        return key

    for version in desk.versions():
        desk.stage(
            key_for(version),
            desk.by_position,
            among=lambda witness: _key_of(witness.observation) not in in_use,
        )


def _key_of(secret: Observation) -> str:
    return secret.subject.rpartition(":")[0]


def _same_code(desk: Desk) -> None:
    """Equal rule, code and enclosing symbol; then the symbol may have another name."""
    versions = desk.versions()
    for version in versions:
        desk.stage(_code_key(version, with_symbol=True), desk.by_position)
    for version in versions:
        desk.stage(_code_key(version, with_symbol=False), desk.by_line_or_alone)


def _code_key(version: str, *, with_symbol: bool) -> KeyOf:
    def key(observation: Observation, path: str) -> Hashable | None:
        if observation.kind in SUBJECT_KINDS:
            return None
        value = dict(observation.fingerprints).get(version)
        if not version and not observation.fingerprints:
            value = ""  # a statement about a whole file
        if value is None:
            return None
        symbol = observation.place.symbol if with_symbol else None
        return (observation.scanner, observation.rule, observation.subject, path, value, symbol)

    return key


def _same_line(desk: Desk) -> None:
    """A statement that goes on where its first line was kept: its other lines have changed."""

    def key(observation: Observation, path: str) -> Hashable | None:
        if observation.kind in SUBJECT_KINDS:
            return None
        return (observation.scanner, observation.rule, observation.subject, path)

    desk.stage(key, desk.by_line)
