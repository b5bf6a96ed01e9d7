"""Access logs night after night, and lines as the servers write them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners.access.scanner import ModelAccess
from compline.scanners.interface import Job

START = datetime(2026, 1, 1, tzinfo=UTC)


def combined(user: str, day: int, hour: int = 9, model: str = "fraud", size: int = 1000) -> str:
    """A line of nginx's `combined`."""
    at = (START + timedelta(days=day, hours=hour)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'192.0.2.77 - {user} [{at}] "GET /models/{model}/3/w.bin HTTP/1.1" 200 {size} "-" "curl"\n'
    )


@dataclass
class Watched:
    """A folder of access logs and what the scanner remembers of it."""

    folder: Path
    scene: Any
    memory: bytes | None = None

    def write(self, name: str, lines: str, *, day: int) -> Path:
        """Appends to a log, as if on the evening of that day."""
        path = self.folder / name
        with path.open("a") as file:
            file.write(lines)
        at = (START + timedelta(days=day, hours=23)).timestamp()
        os.utime(path, (at, at))
        return path

    def look(self, day: int, *, kept: bool = True, kind: str = "combined", **access: Any) -> Look:
        """The look in the night after that day; remembered unless the scan was killed after it."""
        if kind != "mlflow":
            access.setdefault("paths", ["/models/{model}/{version}/**"])
        settings = {"files": [f"{self.folder}/*"], "format": kind, "access": access}
        target = Target(TargetKind.LOG, "proxy", "somewhere", settings=settings)
        context = self.scene.context(None, now=START + timedelta(days=day + 1, hours=2))
        context = replace(context, memory=lambda _target, _scanner: self.memory)
        (look,) = ModelAccess().scan([Job(target, "")], context)
        if kept and isinstance(look.outcome, Completed):
            self.memory = look.memory
        return look

    def found(self, look: Look) -> set[tuple[str, str]]:
        """Rule and subject of every finding."""
        assert isinstance(look.outcome, Completed), look.outcome
        return {(each.rule, each.subject) for each in look.outcome.observations}

    def gaps(self, look: Look) -> dict[str, str]:
        """Last part of the path to the reason."""
        assert isinstance(look.outcome, Completed), look.outcome
        return {Path(gap.path).name: gap.reason.value for gap in look.outcome.gaps}

    def cells(self) -> dict[str, list[int]]:
        """Downloads per principal and model, day by day, as they are remembered."""
        assert self.memory is not None
        return {
            f"{principal} {model}": [cell.get("count", 0) for _, cell in days]
            for principal, model, _, days in json.loads(self.memory)["pairs"]
        }


@pytest.fixture
def proxy(tmp_path: Path, scene: Any) -> Watched:
    """Logs of a proxy in front of models."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return Watched(folder, scene)


@pytest.fixture
def line() -> Callable[..., str]:
    return combined


@pytest.fixture
def habit() -> str:
    """Thirty days of two people at nine in the morning."""

    def lines() -> Iterator[str]:
        for day in range(30):
            yield combined("ann", day, 9)
            yield combined("bob", day, 9, "churn")

    return "".join(lines())
