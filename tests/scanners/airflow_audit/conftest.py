"""Looks of the scanner at deployments of Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from inventories import error_of, found  # noqa: F401 - fixtures

from compline.model import Look, Target, TargetKind
from compline.scanners.airflow.scanner import AirflowAudit
from compline.scanners.expectations import canary
from compline.scanners.expectations.collector import Asked
from compline.scanners.interface import Job, ScanContext

LookAt = Callable[..., Look]


@dataclass
class Own:
    """The deployment that runs us, as its options say."""

    options: dict[tuple[str, str], str] = field(default_factory=dict)

    def setting(self, section: str, option: str) -> str | None:
        return self.options.get((section, option))


@pytest.fixture(scope="session")
def prove_once() -> Callable[[str, Asked], None]:
    """The canary itself, run once per session instead of once per look: it costs seconds."""
    proved: list[str] = []
    prove = canary.prove_built_in

    def once(kind: str, asked: Asked) -> None:
        if not proved:
            prove(kind, asked)
            proved.append(kind)

    return once


@pytest.fixture
def look_at(
    context: Callable[..., ScanContext],
    prove_once: Callable[[str, Asked], None],
    monkeypatch: pytest.MonkeyPatch,
) -> LookAt:
    """One look at one deployment; its settings are keyword arguments."""
    monkeypatch.setattr(canary, "prove_built_in", prove_once)

    def look(
        *,
        credential: str = "",
        own: Any = None,
        seconds: int = 30,
        now: Any = None,
        **settings: Any,
    ) -> Look:
        asked = context(
            None,
            now=now or datetime.now(UTC),
            secrets={"AIRFLOW_LOGIN": credential},
            scanners={"airflow-audit": {"seconds": seconds}},
            advisories={"osv": "bundled"},
        )
        if credential:
            settings["credential"] = "env:AIRFLOW_LOGIN"
        target = Target(TargetKind.AIRFLOW, "orchestrator", "somewhere", settings=settings)
        (result,) = AirflowAudit().scan([Job(target, "")], replace(asked, airflow=own))
        return result

    return look


@pytest.fixture
def own() -> type[Own]:
    return Own
