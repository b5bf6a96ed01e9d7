"""Airflow itself: the deployment that runs Compline, and others."""

from __future__ import annotations

from dataclasses import replace

from compline.advisories.age import stale_warning
from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import osv_origin
from compline.model import Look, Target, TargetKind
from compline.scanners.expectations.scanner import InventoryScanner
from compline.scanners.interface import ScanContext


class AirflowAudit(InventoryScanner):
    """Deployments of Airflow, held against the suite; always asked live, never written to."""

    name = "airflow-audit"
    kinds = frozenset({TargetKind.AIRFLOW})

    def look(self, target: Target, context: ScanContext, proved: set[tuple[str, str]]) -> Look:
        """One deployment's look, which also depends on the advisories for Airflow's packages."""
        look = super().look(target, context, proved)
        settings = context.config.advisories
        try:
            origin = osv_origin(settings, context.workspace, context.now)
        except AdvisoryError:
            return look  # a gap says so
        stale = stale_warning("OSV advisories", origin.date, context.now, settings.max_age_days)
        return replace(
            look,
            scan_key=look.scan_key and replace(look.scan_key, advisories=origin.digest),
            advisory_date=origin.date,
            warnings=(*look.warnings, *([stale] if stale else [])),
        )
