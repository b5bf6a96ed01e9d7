"""Sections about Compline's own health: evidence, retention, what silence means."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from compline.config.cron import check_cron
from compline.config.fields import Section
from compline.config.secrets import SecretReference


class EvidenceSettings(Section):
    """Where reports are kept, for how long, and who signs for them."""

    url: str = Field("", description="fsspec URL; default: a directory in the workspace")
    signing_key: SecretReference | None = Field(
        None, description="Ed25519 private key, PEM; manifests are signed with it"
    )
    keep_days: int = Field(400, ge=1)
    keep_runs: int = Field(30, ge=1, description="at least so many of the latest runs")


class Retention(Section):
    """After how many days `compline db prune` lets go what nothing stands on any more."""

    ledger_days: int = Field(400, ge=1, description="looks of finished runs, ad hoc results")
    events_days: int = Field(400, ge=1, description="what happened to findings, once resolved")
    alerts_days: int = Field(90, ge=1, description="deliveries that were taken, routed regressions")
    cache_days: int = Field(30, ge=1, description="results of scanners that nobody used")
    keep_runs: int = Field(30, ge=1, description="at least so many of the latest runs")


class Health(Section):
    """From when on silence is a fault."""

    start_minutes: int = Field(60, ge=1, description="a schedule may start this much late")
    finish_hours: float = Field(12, gt=0, description="a run may take this long")
    outbox_minutes: int = Field(60, ge=1, description="a delivery may wait this long")
    recheck_minutes: int = Field(
        10, ge=0, description="how long upkeep may compare cached results each day; 0: never"
    )
    upkeep_cron: Annotated[str, AfterValidator(check_cron)] = Field(
        "*/15 * * * *", description="schedule of the upkeep DAG"
    )
