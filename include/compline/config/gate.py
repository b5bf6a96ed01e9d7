"""The section `gate`: what has to be shown before a model version may be deployed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from compline.config.fields import Labels, Section
from compline.model import Severity

Check = Literal[
    "scan", "signature", "provenance", "licence", "formats", "permissions", "data", "source"
]
DEFAULT: tuple[Check, ...] = ("scan", "signature", "provenance", "licence", "permissions")


class GateOverride(Section):
    """Other requirements for the models of some targets; what is not given stays."""

    labels: Labels = Field(min_length=1, description="the target's labels, all of them")
    require: list[Check] | None = Field(None, min_length=1)
    fail_at: Severity | None = None
    max_age_hours: float | None = Field(None, gt=0)
    approval_days: float | None = Field(None, gt=0)


class Gate(Section):
    """What `compline gate model` requires."""

    require: list[Check] | None = Field(
        None,
        min_length=1,
        description="default: scan, signature, provenance, licence, and of registries permissions",
    )
    fail_at: Severity = Field(
        Severity.HIGH, description="least severity of an open finding that breaches a requirement"
    )
    max_age_hours: float = Field(
        36, gt=0, description="an older look at data, source or (--last) the model says nothing"
    )
    approval_days: float = Field(
        30,
        gt=0,
        description="how long a decision that is met approves that production serves the version",
    )
    overrides: list[GateOverride] = Field(
        default_factory=list, description="the first one whose labels fit counts"
    )

    def of(self, labels: Labels) -> Gate:
        """The rules for a target with these labels."""
        for each in self.overrides:
            if all(labels.get(name) == value for name, value in each.labels.items()):
                given = each.model_dump(exclude={"labels"}, exclude_none=True)
                return self.model_copy(update=given)
        return self
