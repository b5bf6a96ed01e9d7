"""What comes first: one number per finding, from what is known of its severity and its exposure.

Severity decides; among equals what is exploited already (CISA's KEV catalogue), then how likely it
is to be (FIRST's EPSS), then how exposed the target
is, or whatever it reaches. What is still equal is ordered by age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compline.model import Severity

_SEVERITY = 1_000_000
_EXPLOITED = 100_000
_LIKELY = 10
_MOST_LIKELY = 1_000
_MOST_EXPOSED = 9


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """What is known of exploits, and what the organisation says of exposure."""

    exploited: frozenset[str] = frozenset()
    """CVE ids of the KEV catalogue."""
    likely: Mapping[str, float] = field(default_factory=dict)
    """CVE id to its EPSS probability, 0 to 1."""
    label: str = "exposure"
    """The target's label that tells its exposure."""
    exposure: Mapping[str, int] = field(default_factory=dict)
    """Weight of the label's values, 0 to 9; others weigh nothing."""

    def exposed(self, labels: Mapping[str, str], reaches: Sequence[str] = ()) -> int:
        """The weight of a target's exposure, or of the most exposed thing that depends on it.

        Args:
            labels: the target's.
            reaches: values of the label that tells exposure, of all that depends on it.
        """
        values = (labels.get(self.label, ""), *reaches)
        weight = max(self.exposure.get(value, 0) for value in values)
        return min(max(weight, 0), _MOST_EXPOSED)

    @property
    def knows_exploits(self) -> bool:
        """Whether any advisory can weigh more than its severity."""
        return bool(self.exploited or self.likely)


def risk(severity: Severity, aliases: Iterable[str], exposed: int, policy: RiskPolicy) -> int:
    """The number; greater is worse.

    Args:
        severity: the finding's.
        aliases: every id of its advisories; empty where it is about none.
        exposed: see `RiskPolicy.exposed`.
        policy: what is known of exploits.
    """
    return severity.rank * _SEVERITY + exploits(aliases, policy) + exposed


def exploits(aliases: Iterable[str], policy: RiskPolicy) -> int:
    """The part of the number that its advisories' exploits make."""
    if not policy.knows_exploits:
        return 0
    known = list(aliases)
    exploited = not policy.exploited.isdisjoint(known)
    likely = max((policy.likely.get(name, 0.0) for name in known), default=0.0)
    share = round(min(max(likely, 0.0), 1.0) * _MOST_LIKELY)
    return exploited * _EXPLOITED + share * _LIKELY


def without_exploits(rank: int, exposed: int) -> int:
    """The number of a finding about which no exploit is known, by its severity's rank."""
    return rank * _SEVERITY + exposed
