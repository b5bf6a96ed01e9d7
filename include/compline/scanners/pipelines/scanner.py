"""Data pipelines, judged by what their stores' last completed looks say."""

from __future__ import annotations

from compline.model import TargetKind
from compline.scanners.expectations.scanner import InventoryScanner


class PipelineFlows(InventoryScanner):
    """Declared data flows; always judged anew."""

    name = "pipeline-flows"
    kinds = frozenset({TargetKind.PIPELINE})
