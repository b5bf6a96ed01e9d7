"""Looks of the scanner at log files, night after night."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners.interface import Job
from compline.scanners.logs.scanner import LogSecrets

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
OTHER = "ghp_" + "z9Y8x7W6v5U4t3S2r1" * 2


@dataclass
class Watched:
    """A folder of logs and the scanner's memory of it."""

    folder: Path
    look: Callable[..., Look]

    def found(self, look: Look) -> set[tuple[str, int]]:
        """Name of the log and line of every secret."""
        assert isinstance(look.outcome, Completed), look.outcome
        return {(Path(o.place.path).name, o.place.line or 0) for o in look.outcome.observations}

    def gaps(self, look: Look) -> dict[str, str]:
        """Name of the log to the reason, but for the one gap that every look has."""
        assert isinstance(look.outcome, Completed), look.outcome
        return {
            Path(gap.path).name: gap.reason.value
            for gap in look.outcome.gaps
            if gap.reason != "partial"
        }

    def read(self, scene: Any, look: Look) -> dict[str, int]:
        """Bytes that were newly read, by the log's name."""
        document = json.loads(scene_evidence(scene, look))
        return {Path(one["log"]).name: one["new_bytes"] for one in document["logs"]}


def scene_evidence(scene: Any, look: Look) -> bytes:
    (digest,) = look.evidence
    return bytes(scene.context(None).evidence.get(digest))


@pytest.fixture
def logs(tmp_path: Path, scene: Any, tools: Any) -> Watched:
    """A folder whose `*.log*` are watched."""
    folder = tmp_path / "logs"
    folder.mkdir()
    toolbox = tools("trivy")

    def look(
        *, own: Any = None, fresh: bool = False, secrets: Any = None, kind: str = "log",
        section: Any = None, **settings: Any,
    ) -> Look:  # fmt: skip
        if kind == "log":
            settings.setdefault("files", [f"{folder}/**/*.log*"])
        context = scene.context(
            toolbox, secrets=secrets or {}, scanners={"log-secrets": section or {}}
        )
        target = Target(TargetKind(kind), "service", "somewhere", settings=settings)
        job = Job(target, "", fresh=fresh)
        (result,) = LogSecrets().scan([job], replace(context, airflow=own))
        return result

    return Watched(folder, look)


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def other() -> str:
    return OTHER
