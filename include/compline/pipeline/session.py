"""What every use case works with, opened once per process: store, tools, locker, secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.evidence.files import open_files
from compline.evidence.locker import Locker
from compline.pipeline.progress import Report
from compline.scanners.airflow.own import OwnAirflow
from compline.scanners.interface import ScanContext
from compline.store.engine import Store, StoreError, open_store
from compline.store.memories import read_memory
from compline.store.standing import standing
from compline.tools.toolbox import Toolbox


@dataclass(frozen=True)
class Session:
    """One process's hold on the world; it must not cross a fork."""

    config: Config
    store: Store
    tools: Toolbox
    evidence: Locker
    secrets: SecretResolver
    report: Report
    airflow: OwnAirflow | None = None
    """The deployment that runs us; None outside of Airflow's tasks."""

    @property
    def workspace(self) -> Path:
        """The folder that holds everything Compline creates."""
        return self.config.workspace

    def now(self) -> datetime:
        """The time, with its zone."""
        return datetime.now(UTC)

    def scan_context(self) -> ScanContext:
        """What scanners get to see of this session."""
        return ScanContext(
            config=self.config,
            workspace=self.workspace,
            tools=self.tools,
            cache=self.store.cache,
            evidence=self.evidence,
            secrets=self.secrets,
            now=self.now(),
            processes=self.config.execution.processes or usable_cores(),
            airflow=self.airflow,
            memory=partial(read_memory, self.store),
            standing=partial(standing, self.store),
        )


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def store_url(config: Config, secrets: SecretResolver) -> str:
    """The database's URL: the referenced one, else SQLite in the workspace.

    Raises:
        SecretMissing: the reference leads nowhere.
    """
    if config.store is not None:
        return secrets.resolve(config.store)
    return f"sqlite:///{config.workspace.resolve() / 'store' / 'compline.db'}"


@contextmanager
def open_session(
    config: Config, secrets: SecretResolver, report: Report, airflow: OwnAirflow | None = None
) -> Iterator[Session]:
    """Opens (and, at first, creates) everything under the workspace.

    Raises:
        StoreError: the store cannot be opened, or the workspace cannot be written.
        EvidenceUnavailable: `evidence.url` leads nowhere.
        SecretMissing: the store's reference leads nowhere.
    """
    workspace = config.workspace
    try:
        for folder in ("store", "evidence", "mirrors", "scratch"):
            (workspace / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the workspace {workspace} cannot be made: {error.strerror}; "
            "give another folder as `workspace:` in compline.yaml"
        ) from error
    files = open_files(config.evidence.url, workspace / "evidence")
    with open_store(store_url(config, secrets)) as store:
        yield Session(
            config=config,
            store=store,
            tools=Toolbox(workspace),
            evidence=Locker(files, secrets.resolved),
            secrets=secrets,
            report=report,
            airflow=airflow,
        )
