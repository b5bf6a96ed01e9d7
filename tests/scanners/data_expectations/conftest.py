"""Looks of the scanner at data stores that are described by their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from inventories import error_of, found, look_into, prove_once  # noqa: F401 - fixtures

from compline.model import Look, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.scanner import DataExpectations
from compline.scanners.interface import Job, ScanContext

LookAt = Callable[..., Look]


@pytest.fixture
def look_at(
    context: Callable[..., ScanContext],
    prove_once: Callable[[str, Asked], None],  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> LookAt:
    """One look at one store; its settings are keyword arguments, `url` is the URL itself."""
    monkeypatch.setattr(canary, "prove_built_in", prove_once)

    def look(*, url: str = "", seconds: int = 30, **settings: Any) -> Look:
        asked = context(
            None,
            secrets={"STORE_URL": url},
            scanners={"data-expectations": {"seconds": seconds}},
        )
        if url:
            settings = {"kind": "postgresql", "url": "env:STORE_URL", **settings}
        target = Target(TargetKind.DATA_STORE, "store", "somewhere", settings=settings)
        (result,) = DataExpectations().scan([Job(target, "")], asked)
        return result

    return look


@pytest.fixture
def asked_of(context: Callable[..., ScanContext]) -> Callable[[str], Asked]:
    """A store by its file's path, as its collector is asked."""

    def asked(path: str) -> Asked:
        run = context(None)
        target = Target(TargetKind.DATA_STORE, "store", path, settings={"path": path})
        return Asked(target, {}, 30, run.config, run.secrets, run.now)

    return asked
