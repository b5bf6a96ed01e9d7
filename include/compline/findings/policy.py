"""What the configuration says about the lives of findings, as one value for the pure half."""

from __future__ import annotations

from dataclasses import dataclass, field

from compline.findings.deadlines import DeadlinePolicy
from compline.findings.drops import HoldLimits
from compline.findings.renames import RuleRenames
from compline.findings.risk import RiskPolicy
from compline.findings.waivers import WaiverPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about lives."""

    hold: HoldLimits = field(default_factory=HoldLimits)
    honour_inline: bool = False
    """Whether comments in the code waive what they ask to ignore."""
    waivers: WaiverPolicy = field(default_factory=WaiverPolicy)
    deadlines: DeadlinePolicy = field(default_factory=DeadlinePolicy)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    renames: RuleRenames = field(default_factory=RuleRenames)
    """Rules that have another name now."""
