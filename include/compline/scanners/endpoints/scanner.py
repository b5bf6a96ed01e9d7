"""Inference endpoints, held against expectations; always asked live."""

from __future__ import annotations

from compline.model import TargetKind
from compline.scanners.expectations.scanner import InventoryScanner


class EndpointGuard(InventoryScanner):
    """Transport, access, open doors, origins, limits and errors of endpoints."""

    name = "endpoint-guard"
    kinds = frozenset({TargetKind.ENDPOINT})
