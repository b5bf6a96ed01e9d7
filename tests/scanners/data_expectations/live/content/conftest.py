"""Looks into columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compline.model import Look, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.interface import Job, ScanContext
from compline.scanners.stores.content.scanner import ColumnContent


@pytest.fixture
def look_into(
    context: Callable[..., ScanContext], prove_once: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Look]:
    """One look into a store's columns; `url` is the URL itself."""
    monkeypatch.setattr(canary, "prove_built_in", prove_once)

    def look(*, url: str = "", seconds: int = 30, **settings: Any) -> Look:
        asked = context(
            None,
            secrets={"STORE_URL": url},
            scanners={"column-content": {"seconds": seconds}},
        )
        if url:
            settings = {"kind": "postgresql", "url": "env:STORE_URL", **settings}
        target = Target(TargetKind.DATA_STORE, "store", "somewhere", settings=settings)
        (result,) = ColumnContent().scan([Job(target, "")], asked)
        return result

    return look
