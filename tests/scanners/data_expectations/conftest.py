"""Looks of the scanner at data stores that are described by their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from compline.model import Completed, Failed, Look, Severity, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.expectations.scanner import DataExpectations
from compline.scanners.interface import Job, ScanContext

LookAt = Callable[..., Look]


@pytest.fixture(scope="session")
def prove_once() -> Callable[[str, str], None]:
    """The canary itself, run once per session instead of once per look: it costs a second."""
    return cache(canary.prove_built_in)


@pytest.fixture
def look_at(
    context: Callable[..., ScanContext],
    prove_once: Callable[[str, str], None],
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
def found() -> Callable[[Look], Mapping[tuple[str, str], Severity]]:
    """(rule, subject) to severity of a completed look."""

    def read(look: Look) -> Mapping[tuple[str, str], Severity]:
        assert isinstance(look.outcome, Completed), look.outcome
        return {(o.rule, o.subject): o.severity for o in look.outcome.observations}

    return read


@pytest.fixture
def error_of() -> Callable[[Look], str]:
    """The error of a failed look."""

    def read(look: Look) -> str:
        assert isinstance(look.outcome, Failed), look.outcome
        return look.outcome.error

    return read
