"""Airflow itself: the deployment that runs Compline, and others."""

from __future__ import annotations

from compline.model import TargetKind
from compline.scanners.expectations.scanner import InventoryScanner


class AirflowAudit(InventoryScanner):
    """Deployments of Airflow, held against the suite; always asked live, never written to."""

    name = "airflow-audit"
    kinds = frozenset({TargetKind.AIRFLOW})
