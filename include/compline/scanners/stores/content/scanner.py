"""Columns of data stores that ask for it: whether they hold what is declared, nothing worse."""

from __future__ import annotations

from dataclasses import replace

from compline.model import Outcome, Skipped, Target, TargetKind
from compline.scanners.expectations.scanner import InventoryScanner
from compline.scanners.interface import ScanContext
from compline.scanners.live import Notes


class ColumnContent(InventoryScanner):
    """Data stores with a section `content`; always looked at live."""

    name = "column-content"
    kinds = frozenset({TargetKind.DATA_STORE})

    def _judge(
        self, target: Target, context: ScanContext, proved: set[tuple[str, str]], notes: Notes
    ) -> Outcome:
        if not target.settings.get("content"):
            return Skipped("no section `content`: nobody looks into its columns")
        # Suite and policy of the target speak of its settings and grants.
        settings = {**target.settings, "suite": None, "policy": {}}
        return super()._judge(replace(target, settings=settings), context, proved, notes)

    def _kind(self, _target: Target) -> str:
        return "content"
