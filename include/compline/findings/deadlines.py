"""Until when a finding must be resolved or waived: days by severity, others by the target's labels.

A deadline runs from the moment when the finding opened, or reopened, with its severity of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compline.model import Severity

Days = Mapping[Severity, int]


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """What the configuration says about remediation deadlines."""

    days: Days = field(default_factory=dict)
    """A severity that is not named has no deadline."""
    rules: tuple[tuple[Mapping[str, str], Days], ...] = ()
    """(labels, other days): the first whose labels the target has."""

    def days_for(self, labels: Mapping[str, str]) -> dict[Severity, int]:
        """The days that count for a target with these labels."""
        for wanted, days in self.rules:
            if all(labels.get(name) == value for name, value in wanted.items()):
                return {**self.days, **days}
        return dict(self.days)


def due_at(opened_at: datetime, severity: Severity, days: Days) -> datetime | None:
    """When the deadline ends; None where there is none."""
    allowed = days.get(severity)
    return None if allowed is None else opened_at + timedelta(days=allowed)
