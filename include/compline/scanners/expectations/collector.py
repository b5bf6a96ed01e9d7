"""What a collector is, and the one list of them.

A kind of inventory is a package with `collector.py` (the functions of `Collector`), `suite.yaml`
(what is expected) and `canary.json` (recorded answers that break every expectation of the suite).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import compline
from compline.model import Target, TargetKind
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.interface import Standings, Trees, no_trees, nobody_knows

if TYPE_CHECKING:
    from compline.config.schema import Config
    from compline.config.secrets import SecretResolver
    from compline.scanners.airflow.own import OwnAirflow
    from compline.tools.toolbox import Toolbox

_KINDS = {
    "postgresql": (TargetKind.DATA_STORE, "compline.scanners.stores.postgresql"),
    "kafka": (TargetKind.DATA_STORE, "compline.scanners.stores.kafka"),
    "pipeline": (TargetKind.PIPELINE, "compline.scanners.pipelines"),
    "redis": (TargetKind.DATA_STORE, "compline.scanners.stores.redis"),
    "inventory": (TargetKind.DATA_STORE, "compline.scanners.stores.inventory"),
    "airflow": (TargetKind.AIRFLOW, "compline.scanners.airflow"),
    "endpoint": (TargetKind.ENDPOINT, "compline.scanners.endpoints"),
    "s3": (TargetKind.DATA_STORE, "compline.scanners.stores.s3"),
    "gcs": (TargetKind.DATA_STORE, "compline.scanners.stores.gcs"),
    "azure-blob": (TargetKind.DATA_STORE, "compline.scanners.stores.azure_blob"),
    "sagemaker": (TargetKind.MODEL_REGISTRY, "compline.scanners.registries.sagemaker"),
    "huggingface": (TargetKind.MODEL_REGISTRY, "compline.scanners.registries.huggingface"),
    "directory": (TargetKind.MODEL_REGISTRY, "compline.scanners.registries.directory"),
    "content": (TargetKind.DATA_STORE, "compline.scanners.stores.content"),
}

_COMMON = {"object-stores": "compline.scanners.stores.object_stores"}
"""Suites that several kinds extend; no target is of such a kind."""


@dataclass(frozen=True)
class Asked:
    """What there is to ask one target."""

    target: Target
    values: Mapping[str, Any]
    """The suite's parameters as the target's policy binds them; None where undeclared."""
    seconds: float
    """For all questions together."""
    config: Config
    secrets: SecretResolver
    now: datetime
    airflow: OwnAirflow | None = None
    """The deployment that runs us; None outside of Airflow."""
    tools: Toolbox | None = None
    """What collectors that run a tool need."""
    standing: Standings = field(default=nobody_knows)
    """How other targets stand, by their names and a scanner's."""
    trees: Trees = field(default=no_trees)
    """Trees of listed repositories, by their names."""

    def text(self, setting: str) -> str:
        """A setting of the target.

        Raises:
            CannotCollect: it is missing.
        """
        value = self.target.settings.get(setting)
        if not value:
            raise CannotCollect(f"{self.target.name} needs `{setting}:`")
        return str(value)

    def secret(self, setting: str) -> str:
        """What a setting refers to; never log it.

        Raises:
            CannotCollect: the setting is missing.
            SecretMissing: what it refers to is.
        """
        reference = self.target.settings.get(setting)
        if not reference:
            raise CannotCollect(f"{self.target.name} needs `{setting}: env:NAME`")
        return self.secrets.resolve(str(reference))


class Collector(Protocol):
    """A module `collector`; its functions hold no state."""

    PACKAGES: tuple[str, ...]
    """Distributions that decide what answers are read as."""

    def variant(self, asked: Asked) -> str:
        """Which of its readers the target needs: the canary is proved for each."""
        ...

    def collect(self, asked: Asked) -> Inventory:
        """Asks, reading only.

        Raises:
            CannotCollect: no answer in time, a refusal of everything, half an answer.
            SecretMissing: a credential is not there.
        """
        ...

    def recorded(self, answers: Mapping[str, Any], asked: Asked) -> Inventory:
        """The inventory of recorded answers, through the same parser as real ones."""
        ...


def kinds_of(kinds: frozenset[TargetKind]) -> tuple[str, ...]:
    """The kinds of inventory that there are for these kinds of target, sorted."""
    return tuple(sorted(name for name, (kind, _) in _KINDS.items() if kind in kinds))


def kind_of(target: Target) -> str:
    """The target's kind of inventory.

    Raises:
        CannotCollect: there is no collector of that kind for such a target.
    """
    name = str(target.settings.get("kind") or target.kind.value)
    known = kinds_of(frozenset({target.kind}))
    if name not in known:
        raise CannotCollect(f"no collector for {name!r}; there are {', '.join(known)}")
    return name


def collector(kind: str) -> Collector:
    """The collector of a kind of inventory, imported when it is asked for."""
    return cast(Collector, import_module(f"{_KINDS[kind][1]}.collector"))


def tools_of(kind: str) -> tuple[str, ...]:
    """The isolated tools that a kind's collector runs: its `TOOLS`, where it has some."""
    return tuple(getattr(collector(kind), "TOOLS", ()))


@cache
def folder(kind: str) -> Path:
    """Where the suite of a kind, or one that several kinds extend, and its canary are.

    Raises:
        KeyError: there is no such kind; the message lists those that are.
    """
    package = _COMMON.get(kind) or _KINDS.get(kind, (None, ""))[1]
    if not package:
        raise KeyError(f"there are {', '.join(sorted(_KINDS))}")
    return Path(compline.__file__).parents[1].joinpath(*package.split("."))
