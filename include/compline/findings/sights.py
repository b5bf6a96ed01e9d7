"""One scanner's look at one target, put beside what was known before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from compline.findings.change import TreeChange
from compline.findings.desk import Matching
from compline.findings.drops import same_method
from compline.findings.facts import NONE_KNOWN, KnownFacts
from compline.findings.history import History
from compline.findings.known import Head, KnownWitness, WitnessState
from compline.findings.matching import match
from compline.findings.regressions import Cause
from compline.findings.renames import RuleRenames
from compline.model import Completed, FindingKind, Look, Observation


@dataclass(frozen=True, slots=True)
class Sight:
    """One scanner's look beside what was known before it."""

    look: Look
    head: Head | None
    change: TreeChange | None
    """Since the revision at which the scanner's witnesses stand; None if nobody can tell."""
    matching: Matching
    """Empty unless the look is completed."""
    history: History = field(default_factory=dict)
    facts: KnownFacts = NONE_KNOWN
    """What the scanner's looks before have told beside findings."""

    @property
    def baseline(self) -> bool:
        """Whether the scanner has never completed a look at the target before."""
        return self.head is None or self.head.completed_at is None

    @property
    def quiet(self) -> bool:
        """Whether every witness is still seen and says what it said, and nothing is new."""
        return not (self.matching.fresh or self.matching.missing) and all(
            witness.state is WitnessState.SEEN and witness.observation == observation
            for witness, observation in self.matching.pairs
        )


def sight(
    look: Look,
    head: Head | None,
    present: Sequence[KnownWitness],
    change: TreeChange | None = None,
    history: History | None = None,
    renames: RuleRenames | None = None,
    facts: KnownFacts = NONE_KNOWN,
) -> Sight:
    """Matches a look with the target's present witnesses."""
    if not isinstance(look.outcome, Completed):
        return Sight(look, head, change, Matching((), (), ()))
    own = [witness for witness in present if witness.observation.scanner == look.scanner]
    matching = match(own, look.outcome.observations, change, renames)
    return Sight(look, head, change, matching, {} if history is None else history, facts)


def why(look: Look, head: Head | None, observation: Observation | None = None) -> str:
    """What differs from the last completed look: `code`, `settings`, `rules`, `advisories`."""
    if head is None or head.completed_at is None:
        return "first look"
    live = observation is not None and _is_live(observation)
    return "+".join(_causes(look, head, live=live)) or "unexplained"


def cause_of(sight: Sight, observation: Observation | None) -> Cause:
    """The same for alerts and their readers: revisions, and the commit where the code changed.

    Without an observation it is about a fact of a service.
    """
    look, head = sight.look, sight.head
    if head is None or head.completed_at is None:
        return Cause(revision=look.revision)
    live = observation is None or _is_live(observation)
    changed = tuple(_causes(look, head, live=live))
    commit = None
    if observation is not None and "code" in changed:
        place = observation.place
        commit = sight.history.get((place.path, place.line))
    return Cause(changed, head.revision, look.revision, commit)


def _is_live(observation: Observation) -> bool:
    """Whether it is about a service, and not about files of a revision."""
    if observation.kind is FindingKind.MODEL:
        return not observation.place.blob  # models lie in repositories, too
    return observation.kind is FindingKind.ACCESS


def _causes(look: Look, head: Head, *, live: bool) -> Iterator[str]:
    if head.revision != look.revision:
        yield "settings" if live else "code"
    if not same_method(head.scan_key, look.scan_key):
        yield "rules"
    if (head.scan_key and head.scan_key.advisories) != (look.scan_key and look.scan_key.advisories):
        yield "advisories"
