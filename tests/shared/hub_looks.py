"""One look at the stand-in for the Hub, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hostile_models as hostile
from hub_server import TOKEN, Hub
from model_folders import Models
from store_proxy import Proxy

from compline.model import Completed, GapReason

CARD = b"---\nlicense: mit\ncommit: 0123abc\ndatasets: [claims]\n---\n# Fraud\n"
GOOD = {"model.safetensors": hostile.safetensors(), "README.md": CARD, "config.json": b"{}"}


@dataclass
class Look:
    """The stand-in, what stands before it and before its storage, and a look at it."""

    hub: Hub
    proxy: Proxy
    storage: Proxy
    models: Models

    def __call__(self, scanner: str = "model-guard", **more: Any) -> Completed:
        return self.models.completed(scanner, secrets={"HUB": TOKEN}, **more)

    def failed(self, **more: Any) -> str:
        outcome = self.models.look("model-guard", secrets={"HUB": TOKEN}, **more).outcome
        assert not isinstance(outcome, Completed), outcome
        assert TOKEN not in repr(outcome)
        return str(outcome)

    def facts(self, **more: Any) -> dict[str, str]:
        return {fact.subject: fact.value for fact in self(**more).facts}

    def gaps(self, **more: Any) -> dict[str, tuple[GapReason, str]]:
        return {gap.path: (gap.reason, gap.detail) for gap in self(**more).gaps}

    def within(self, seconds: int) -> dict[str, Any]:
        """A section that gives a look so long."""
        return {"scanners": {"model-guard": {"seconds": seconds}}}
