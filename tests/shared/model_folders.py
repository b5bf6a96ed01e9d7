"""Models in a folder or bucket, and one look of a scanner at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox

TONIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)


@dataclass
class Models:
    """A folder of one model's versions, looked at as often as wanted; results are kept between."""

    folder: Path
    context: Callable[..., ScanContext]
    toolbox: Toolbox
    rules: dict[str, Any] = field(default_factory=dict)
    layout: str = "versions"
    url: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    kind: TargetKind = TargetKind.MODEL

    def put(self, version: str, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            place = self.folder / version / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def look(
        self, scanner: str, *, now: datetime = TONIGHT, fresh: bool = False, **sections: Any
    ) -> Look:
        url = self.url or str(self.folder)
        settings = {"url": url, "layout": self.layout, "models": self.rules, **self.settings}
        target = Target(self.kind, "models/fraud", url, settings=settings)
        asked = self.context(self.toolbox, now=now, **sections)
        (look,) = registry.load(scanner).scan([Job(target, "", fresh=fresh)], asked)
        return look

    def completed(self, scanner: str, **arguments: Any) -> Completed:
        outcome = self.look(scanner, **arguments).outcome
        assert isinstance(outcome, Completed), outcome
        return outcome

    def facts(self, **arguments: Any) -> dict[str, str]:
        found = self.completed("model-guard", **arguments).facts
        return {fact.subject: fact.value for fact in found}
