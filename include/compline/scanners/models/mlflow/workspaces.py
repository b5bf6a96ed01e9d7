"""An MLflow server's workspaces as one place of models: what lies in `lab` is named `lab:fraud`.

A server shows each call one workspace, named by a header, and without it the default one; nothing
in its answers tells that there are others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from compline.model import Gap
from compline.scanners.models.artifacts import (
    Artifact,
    CannotList,
    Listing,
    Model,
    Readable,
    Source,
    Unreadable,
)
from compline.scanners.models.mlflow.rest import Rest
from compline.scanners.models.names import one_part
from compline.scanners.registries.facts import DEFAULT_WORKSPACE, prefix_of

_INFO = "api/3.0/mlflow/server-info"
_WORKSPACES = "api/3.0/mlflow/workspaces"
_MARK = "\0"
"""Around the workspace in an artifact's `where`."""


class Workspaces:
    """One look at every workspace of one server."""

    def __init__(
        self, rest: Rest, seconds: float, registry: Callable[[str, float], Source]
    ) -> None:
        """Asks nothing yet.

        Args:
            rest: the server.
            seconds: in which everything is listed.
            registry: makes the place behind a workspace, to be listed in so many seconds.
        """
        self._rest = rest
        self._seconds = seconds
        self._registry = registry
        self._opened: dict[str, Source] = {}

    def listing(self) -> Listing:
        """As `Source` says."""
        end = time.monotonic() + self._seconds
        artifacts: list[Artifact] = []
        gaps: list[Gap] = []
        models: list[Model] = []
        for name in self._names():
            place = self._registry(name, max(1.0, end - time.monotonic()))
            self._opened[name] = place
            prefix = _prefix(name)
            found = place.listing()
            artifacts += (_placed(each, name, prefix) for each in found.artifacts)
            gaps += (
                replace(each, path=f"{prefix}{each.path}") if each.path else each
                for each in found.gaps
            )
            models += (replace(each, name=f"{prefix}{each.name}") for each in found.models)
        return Listing(tuple(artifacts), tuple(gaps), tuple(models))

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        by_name: dict[str, dict[Artifact, Artifact]] = {}
        for artifact in wanted:
            name, inner = _inside(artifact)
            by_name.setdefault(name, {})[inner] = artifact
        for name, known in by_name.items():
            if name not in self._opened:
                self._opened[name] = self._registry(name, self._seconds)
            for inner, stream in self._opened[name].read(list(known)):
                yield known[inner], stream

    def close(self) -> None:
        """As `Source` says."""
        for place in self._opened.values():
            place.close()
        self._rest.close()

    def _names(self) -> list[str]:
        """The workspaces, the default one first."""
        info = self._rest.json(_INFO, {}, missing=True) or {}
        if not info.get("workspaces_enabled"):
            return [DEFAULT_WORKSPACE]
        told = self._rest.json(_WORKSPACES, {}).get("workspaces")
        try:
            names = {str(each["name"]) for each in told or ()}
        except (KeyError, TypeError):
            names = set()
        if not names:
            raise CannotList(f"{_WORKSPACES}: the answer names no workspace")
        return sorted(names, key=lambda name: (name != DEFAULT_WORKSPACE, name))


def in_workspace(about: tuple[str, str] | None, name: str) -> tuple[str, str] | None:
    """Model and version as the workspace knows them; None if they are of another one."""
    prefix = _prefix(name)
    if about is None or not about[0].startswith(prefix):
        return None
    return about[0].removeprefix(prefix), about[1]


def _prefix(name: str) -> str:
    return one_part(prefix_of(name)) if name != DEFAULT_WORKSPACE else ""


def _placed(artifact: Artifact, name: str, prefix: str) -> Artifact:
    if not prefix:
        return artifact
    where = f"{_MARK}{name}{_MARK}{artifact.where}"
    return replace(artifact, model=f"{prefix}{artifact.model}", where=where)


def _inside(artifact: Artifact) -> tuple[str, Artifact]:
    """The workspace of an artifact, and the artifact as that knows it."""
    if not artifact.where.startswith(_MARK):
        return DEFAULT_WORKSPACE, artifact
    name, _, where = artifact.where[1:].partition(_MARK)
    return name, replace(artifact, where=where)
