"""What a live check tells of a service beside defects, compared with its last completed look. Pure.

A permission is told when its rank rises, a model when its value is another, or production serves it
for the first time, and nobody has approved it. What the scanner never saw before is no change: the
first look, what lay in a gap until now, what another version of the adapter has begun to report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from compline.findings.drops import Gaps
from compline.findings.known import Head
from compline.findings.regressions import Cause, Regression, in_words
from compline.model import Completed, Fact, Gap, Look, RegressionKind, ScanKey, Severity

TOLD = frozenset({RegressionKind.PERMISSION_WIDENED, RegressionKind.MODEL_CHANGED})
"""The kinds that facts can tell."""
NOTHING = "nothing"
"""What there was before a permission that is new."""

Key = tuple[RegressionKind, str]
"""Of one fact among those of a scanner and a target: what it tells, and its subject."""


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact as it was last recorded."""

    fact: Fact
    gone: bool = False
    """The last look that could have seen it did not: nobody has the permission any more. What was
    known of a model stays, since one that is deleted and put back is compared with it."""


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What one scanner's looks at a target have told so far."""

    facts: Mapping[Key, KnownFact]
    gaps: tuple[Gap, ...] = ()
    """Of the last completed look."""


NONE_KNOWN = KnownFacts({})


@dataclass(frozen=True, slots=True)
class FactChange:
    """What a fact is from now on."""

    scanner: str
    fact: Fact
    gone: bool = False
    new: bool = False
    """Whether it was never recorded before."""


@dataclass(frozen=True, slots=True)
class Told:
    """A change that people hear of."""

    fact: Fact
    before: str

    @property
    def change(self) -> str:
        """Before and after, in words, and why it was not approved where it could have been."""
        approval = self.fact.approval
        doubt = f"; {approval.words}" if approval is not None else ""
        return f"from {self.before} to {self.fact.value}{doubt}"


def key_of(fact: Fact) -> Key:
    """What it is found by."""
    return fact.tells, fact.subject


def compare_facts(
    look: Look, head: Head | None, known: KnownFacts
) -> tuple[tuple[FactChange, ...], tuple[Told, ...]]:
    """What to write down of a completed look's facts, and what of it to tell.

    Args:
        look: the new one.
        head: of the looks before it.
        known: what they have told.
    """
    if not isinstance(look.outcome, Completed):
        return (), ()
    now = {key_of(fact): fact for fact in look.outcome.facts}
    comparable = head is not None and head.completed_at is not None
    changes, told = [], []
    unseen = _never_seen(head, look, known)
    reconfigured = _options(head.scan_key if head else None) != _options(look.scan_key)
    for key, fact in now.items():
        before = known.facts.get(key)
        if before is None or before.gone or before.fact != fact:
            changes.append(FactChange(look.scanner, fact, new=before is None))
        if not comparable or (before is None and (unseen(fact.subject) or _young(fact, head))):
            continue
        news = _news(before, fact, reconfigured=reconfigured)
        if news is not None:
            told.append(news)
    gaps = Gaps(look.outcome.gaps)
    for key, before in known.facts.items():
        lost = key not in now and not before.gone
        if lost and not gaps.cover(before.fact.subject, before.fact.subject):
            changes.append(FactChange(look.scanner, before.fact, gone=True))
    return tuple(changes), tuple(told)


def regression_of(
    told: Told, look: Look, cause: Cause, finding: tuple[str, Severity, str] | None
) -> Regression:
    """The one row that says who, what, before and after.

    Args:
        told: the change.
        look: that has seen it.
        cause: what differs from the last completed look.
        finding: (id, severity, title) of an open finding with the same subject; its thread then
            hears of it, and is well again with it.
    """
    fact = told.fact
    detail = told.change
    if cause.changed:
        detail += f": {in_words(cause.changed)} changed"
    if finding is not None:
        detail += f"; {finding[2]}"
    return Regression(
        fact.tells,
        look.target,
        look.scanner,
        finding[0] if finding else f"{look.target}/{fact.subject}",
        finding[1] if finding else None,
        f"{fact.title or fact.subject}: {told.change}",
        detail,
        cause,
    )


def differing(before: Iterable[Fact], after: Iterable[Fact]) -> tuple[str, ...]:
    """How two accounts of one target differ, in words; what widens and what narrows."""
    old = {key_of(fact): fact for fact in before}
    new = {key_of(fact): fact for fact in after}
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        known = now or was
        if known is not None and (was and (was.value, was.rank)) != (now and (now.value, now.rank)):
            found.append(
                f"{known.title or known.subject}: from {was.value if was else NOTHING} to "
                f"{now.value if now else NOTHING}"
            )
    return tuple(found)


def _options(key: ScanKey | None) -> str:
    return key.options if key is not None else ""


def _young(fact: Fact, head: Head | None) -> bool:
    """Whether nobody could have had the permission at the last completed look."""
    looked = head.completed_at if head is not None else None
    return fact.since is not None and looked is not None and fact.since > looked


def _news(before: KnownFact | None, fact: Fact, *, reconfigured: bool) -> Told | None:
    if fact.tells is RegressionKind.PERMISSION_WIDENED:
        rank = before.fact.rank if before is not None and not before.gone else 0
        if fact.rank <= rank:
            return None
        return Told(fact, before.fact.value if before is not None and not before.gone else NOTHING)
    if before is None and (fact.served is None or reconfigured):
        return None  # a new file serves nobody yet; another alias is asked for
    if before is not None and before.fact.value == fact.value:
        return None
    if fact.approval is not None and fact.approval.holds:
        return None
    return Told(fact, before.fact.value if before is not None else NOTHING)


def _never_seen(head: Head | None, look: Look, known: KnownFacts) -> Callable[[str], bool]:
    """Whether a subject of which nothing is known is one that nobody could have known."""
    then = head.scan_key.adapter if head is not None and head.scan_key else ""
    if then != (look.scan_key.adapter if look.scan_key else ""):
        return lambda _subject: True
    # Where something is known from inside a gap, it was looked at before there was a gap.
    hiding = [
        gap
        for gap in known.gaps
        if not any(gap.covers(subject, subject) for _, subject in known.facts)
    ]
    gaps = Gaps(hiding)
    return lambda subject: gaps.cover(subject, subject)
