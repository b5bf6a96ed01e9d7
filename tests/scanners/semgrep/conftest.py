"""The real Semgrep, with a few rules of the tests' own, and programs that stand in its way."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from compline.model import Look
from compline.scanners.interface import Job, ScanContext
from compline.scanners.semgrep import Semgrep
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

    def make(
        *files: Path, packs: tuple[str, ...] = (), tool: Any = None, **more: Any
    ) -> ScanContext:
        settings = {"packs": packs, "rules": list(files) or ([] if packs else [rules()])}
        return context(tool or tools("semgrep"), scanners={"semgrep": settings}, **more)

    return make


@pytest.fixture
def looks() -> Callable[..., dict[str, Look]]:
    """Scans jobs with Semgrep; gives the looks by target."""

    def scan(context: ScanContext, *jobs: Job) -> dict[str, Look]:
        return {look.target: look for look in Semgrep().scan(jobs, context)}

    return scan


class OneTool:
    """A toolbox with a single tool."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool

    def get(self, _name: str) -> Tool:
        return self._tool


@pytest.fixture
def wrapped(
    tmp_path: Path,
    semgrep: Tool,
    within: Callable[..., ScanContext],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., ScanContext]:
    """A context whose Semgrep is a program around the real one.

    The program is Python: `texts` are the files that it was given, `real()` starts Semgrep in its
    place.
    """

    def make(body: str, **sections: Any) -> ScanContext:
        program = tmp_path / "wrapped" / "semgrep"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f"#!{semgrep.home}/bin/python\n"
            "import os, sys, time\n"
            f"semgrep = '{semgrep.executable}'\n"
            "real = lambda: os.execv(semgrep, ['semgrep', *sys.argv[1:]])\n"
            "files = [word for word in sys.argv[1:] if word.endswith('.py')]\n"
            "texts = {name: open(name, errors='replace').read() for name in files}\n"
            f"{body}\nreal()\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("COMPLINE_SANDBOX", "off")  # it is outside of Semgrep's environment
        return within(tool=OneTool(replace(semgrep, executable=program)), **sections)

    return make
