"""A store into which tests write what got worse, and a clock that they move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from routing_world import World
from stores import empty_sqlite

from compline.config.alerts import Alerts
from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.findings.regressions import Cause, Regression
from compline.model import RegressionKind, Severity, Target, TargetKind
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session, open_session
from compline.store.targets import sync_targets
from compline.store.worse import RegressionView
from compline.store.write import write_regressions

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


@dataclass
class Desk:
    """A store, a configuration, and a clock that the test moves."""

    home: Path
    now: datetime = T0
    environment: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def config(self) -> Config:
        repositories = [
            {"name": name, "url": f"https://git.example.org/{name}", "labels": labels}
            for name, labels in (("api", {"tier": "1"}), ("web", {"environment": "prod"}))
        ]
        raw = {
            "organisation": "acme",
            "workspace": str(self.home / "work"),
            "targets": {"repositories": repositories},
            "alerts": {"console": False} | self.alerts,
        }
        return Config.model_validate(raw | self.sections)

    def session(self) -> AbstractContextManager[Session]:
        config = self.config()
        if config.store is None:
            empty_sqlite(config.workspace / "store" / "compline.db")
        return open_session(config, SecretResolver(self.environment), self._report)

    def _report(self, progress: Progress) -> None:
        self.told.append(f"{progress.mark} {progress.text}")

    def worse(self, *found: Regression) -> None:
        """Writes what got worse, by target."""
        with self.session() as session:
            listed = [
                Target(TargetKind.REPOSITORY, one.name, one.url, labels=one.labels)
                for one in session.config.targets.repositories
            ]
            sync_targets(session.store, listed, self.now)
            with session.store.writing() as connection:
                numbers = dict(
                    connection.exec_driver_sql("SELECT name, id FROM targets").all()  # type: ignore[arg-type]
                )
                for one in found:
                    write_regressions(
                        connection, (one,), run=None, target=numbers.get(one.target), now=self.now
                    )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    monkeypatch.setattr(Session, "now", lambda _self: made.now)
    return made


def regression(
    subject: str = "CMP-1",
    kind: RegressionKind = RegressionKind.NEW,
    severity: Severity | None = Severity.HIGH,
    target: str = "api",
    **more: Any,
) -> Regression:
    values: dict[str, Any] = {
        "scanner": "bandit",
        "title": f"exec is used in {subject}",
        "detail": "",
    }
    return Regression(kind, target, subject=subject, severity=severity, **(values | more))


class Kit:
    """The builders by one name, since test modules cannot import each other."""

    regression = staticmethod(regression)
    start = T0
    cause = Cause

    @staticmethod
    def view(
        number: int, one: Regression | None = None, labels: Mapping[str, str] | None = None
    ) -> RegressionView:
        return RegressionView(
            number, 1, T0, False, one or regression(f"CMP-{number}"), dict(labels or {})
        )

    @staticmethod
    def alerts(
        *rules: Mapping[str, Any], channels: Sequence[str] = ("chat",), **more: Any
    ) -> Alerts:
        named = [{"name": name, "url": f"env:{name.upper()}"} for name in channels]
        raw = {"console": False, "channels": named, "rules": list(rules)}
        return Alerts.model_validate(raw | more)


@pytest.fixture
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def world(kit: Any) -> Callable[..., World]:
    """A world with these rules."""
    return lambda *rules, **more: World(kit.alerts(*rules, **more), kit.start)
