"""What every scanner is: a name, the kinds of target that it takes, and two verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from compline.model import Look, ScanKey, Target, TargetKind

if TYPE_CHECKING:  # `compline config check` reads suites through here, and needs no store
    from compline.config.schema import Config
    from compline.config.secrets import SecretResolver
    from compline.evidence.locker import Locker
    from compline.scanners.airflow.own import OwnAirflow
    from compline.source.snapshot import Snapshot
    from compline.store.cache import ResultCache
    from compline.store.standing import Standing
    from compline.tools.toolbox import Toolbox


class CannotScan(Exception):
    """The scanner cannot work at all now (no tool, no advisories, no key): Failed for each target.

    The message says what is wrong and the command that mends it.
    """


@dataclass
class Job:
    """One target for one scanner to look at."""

    target: Target
    revision: str
    """Commit of a repository, digest of an image; empty for services."""
    open_snapshot: Callable[[], Snapshot] | None = None
    """Fetches if need be and lists the tree; repositories only. Raises `SourceError`.
    A scanner that can answer from what is stored does not call it."""
    open_archive: Callable[[], Path] | None = None
    """Pulls the image if need be and gives its archive on disk (docker-archive or OCI); images
    only. Raises `SourceError`. Not called for an image that is known already."""
    fresh: bool = False
    """Whether the results cache must not be read for this job (it may be written)."""
    about: tuple[str, str] | None = None
    """Model and version that the gate asks about: seen as thoroughly as what production serves."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What the scanners of one shard leave each other about this target, failures among it; it is
    let go when the target is recorded."""


Standings: TypeAlias = "Callable[[Sequence[str], str], Mapping[str, Standing]]"


def nobody_knows(_names: Sequence[str], _scanner: str) -> Mapping[str, Standing]:
    """The standing of targets where there is no store: unknown."""
    return {}


@dataclass(frozen=True, slots=True)
class SeenTree:
    """A listed repository as it was when it was asked."""

    snapshot: Snapshot
    asked: datetime


Trees = Callable[[str], SeenTree]


def no_trees(name: str) -> SeenTree:
    """Where nothing was fetched.

    Raises:
        SourceError: always.
    """
    from compline.source.snapshot import SourceError

    raise SourceError(f"the repository {name} cannot be read from here")


@dataclass(frozen=True)
class ScanContext:
    """What a scanner may use; everything that touches the world is in here."""

    config: Config
    workspace: Path
    tools: Toolbox
    cache: ResultCache
    evidence: Locker
    secrets: SecretResolver
    now: datetime
    processes: int
    """How many tool processes may run at once (the cores given to this shard)."""
    airflow: OwnAirflow | None = None
    """The deployment that runs us; None outside of Airflow's tasks."""
    memory: Callable[[str, str], bytes | None] = field(default=lambda _target, _scanner: None)
    """What the last recorded look at a target (its name) by a scanner has left as `Look.memory`."""
    progress: Callable[[str], None] = field(default=lambda _line: None)
    standing: Standings = field(default=nobody_knows)
    """How other targets stand at their last completed looks."""
    trees: Trees = field(default=no_trees)
    """The tree of a listed repository, by its name, at the revision that the run looks at, for
    looks at other targets. Raises `SourceError`."""


class Scanner(Protocol):
    """One adapter. Implementations hold no state between calls.

    Subclassing is not needed; the contract test in tests/scanners/test_contract.py runs over
    every registered one.
    """

    name: str
    """As in the configuration, the ledger and `--scanner`."""
    kinds: frozenset[TargetKind]

    def scan_key(self, context: ScanContext) -> ScanKey:
        """What results depend on besides the input.

        Raises:
            CannotScan: the tool, its rules or its advisories are missing or wrong.
        """
        ...

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Exactly one look per job, in any order, as each is ready.

        One job's crash is one Failed look; the others still come.

        Raises:
            CannotScan: as for `scan_key`; the caller makes every job Failed with it.
        """
        ...
