"""The real Semgrep, with a few rules of the tests' own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from compline.model import Look
from compline.scanners.interface import Job, ScanContext
from compline.scanners.semgrep.scanner import Semgrep
from compline.tools.toolbox import Tool, Toolbox

EVAL = {
    "id": "eval-call",
    "languages": ["python"],
    "severity": "ERROR",
    "message": "Text is evaluated.",
    "pattern": "eval(...)",
}


@pytest.fixture(scope="session")
def semgrep(tools: Callable[..., Toolbox]) -> Tool:
    return tools("semgrep").get("semgrep")


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., Path]:
    """Writes a rule file; each rule is the one that finds eval, with other values."""

    def write(*changes: dict[str, Any], name: str = "rules.yaml") -> Path:
        path = tmp_path / "rules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"rules": [EVAL | change for change in changes or ({},)]}))
        return path

    return write


@pytest.fixture
def within(
    context: Callable[..., ScanContext], tools: Callable[..., Toolbox], rules: Callable[..., Path]
) -> Callable[..., ScanContext]:
    """A context with the rules of some files, or the one that finds eval, and no packs."""

    def make(*files: Path, packs: tuple[str, ...] = (), **more: Any) -> ScanContext:
        settings = {"packs": packs, "rules": list(files) or ([] if packs else [rules()])}
        return context(tools("semgrep"), scanners={"semgrep": settings}, **more)

    return make


@pytest.fixture
def looks() -> Callable[..., dict[str, Look]]:
    """Scans jobs with Semgrep; gives the looks by target."""

    def scan(context: ScanContext, *jobs: Job) -> dict[str, Look]:
        return {look.target: look for look in Semgrep().scan(jobs, context)}

    return scan
