"""Sections about a finding's life: holds, staleness, remediation deadlines, risk, waivers."""

from __future__ import annotations

from pydantic import Field

from compline.config.fields import Labels, LocalPath, Section
from compline.model import Severity


class Hold(Section):
    """From when on a scanner's loss of findings is not believed at once."""

    share: float = Field(0.5, gt=0, le=1, description="of a target's findings of one scanner")
    at_least: int = Field(5, ge=1)
    changed_below: float = Field(0.1, ge=0, le=1, description="share of the input that changed")


class Lifecycle(Section):
    """When nothing is closed, and when what is open counts as stale."""

    hold: Hold = Hold()
    stale_days: int = Field(14, ge=1, description="open, but nobody could look for this long")


class DeadlineRule(Section):
    """Other days for targets with these labels; the first rule that fits counts."""

    labels: Labels
    days: dict[Severity, int]


class Deadlines(Section):
    """Days from opening until a finding must be resolved or waived."""

    days: dict[Severity, int] = Field(
        default_factory=lambda: {
            Severity.CRITICAL: 7,
            Severity.HIGH: 30,
            Severity.UNKNOWN: 30,
            Severity.MEDIUM: 90,
        },
        description="severities that are not named have no deadline",
    )
    rules: list[DeadlineRule] = Field(default_factory=list)


class Risk(Section):
    """What comes first among findings of one severity."""

    kev: LocalPath | None = Field(None, description="CISA's catalogue of known exploits, JSON")
    epss: LocalPath | None = Field(None, description="FIRST's scores, csv or csv.gz")
    exposure_label: str = Field("exposure", description="the target's label that tells exposure")
    exposure: dict[str, int] = Field(
        default_factory=lambda: {"internet": 3, "partner": 2, "internal": 1, "endpoint": 1},
        description="weight of the label's values, 0 to 9; `endpoint`: one without the label",
    )


class WaiverSettings(Section):
    """Who may accept a risk, and for how long."""

    file: LocalPath | None = Field(None, description="a reviewed waivers.yaml")
    longest_days: dict[Severity, int] = Field(
        default_factory=lambda: {
            Severity.CRITICAL: 30,
            Severity.HIGH: 90,
            Severity.MEDIUM: 180,
            Severity.LOW: 365,
            Severity.UNKNOWN: 90,
        }
    )
    second_person: list[Severity] = Field(
        default_factory=list, description="severities whose waivers another person must approve"
    )
    expiring_days: int = Field(14, ge=0, description="listed as expiring soon")
