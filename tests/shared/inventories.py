"""Looks at inventories: what tests of data stores and of their columns share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from compline.model import Completed, Failed, Look, Severity, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.expectations.collector import Asked, collector
from compline.scanners.interface import Job, ScanContext
from compline.scanners.stores.content.scanner import ColumnContent


@pytest.fixture(scope="session")
def prove_once() -> Callable[[str, Asked], None]:
    """The canary itself, run once per session instead of once per look: it costs a second."""
    proved: set[tuple[str, str]] = set()
    prove = canary.prove_built_in

    def once(kind: str, asked: Asked) -> None:
        key = (kind, collector(kind).variant(asked))
        if key not in proved:
            prove(kind, asked)
            proved.add(key)

    return once


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
