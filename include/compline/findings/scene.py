"""What a decision depends on besides the looks: the time, the target's labels, waivers, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from compline.findings.acceptance import Acceptances
from compline.findings.history import History


@dataclass(frozen=True, slots=True)
class Scene:
    """One target at the time of the looks."""

    at: datetime
    """When the looks were taken."""
    new_waiver: Callable[[], str]
    """Gives a waiver's id that was never given before."""
    target: str = ""
    """Its name."""
    labels: Mapping[str, str] = field(default_factory=dict)
    accepted: Acceptances = field(default_factory=Acceptances)
    history: History = field(default_factory=dict)
    reaches: Sequence[str] = ()
    """Values of the label that tells exposure, of whatever depends on the target."""
