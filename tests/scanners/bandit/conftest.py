"""The real bandit, and programs that stand in its way."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import Look
from compline.scanners.bandit import Bandit
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Tool, Toolbox


@pytest.fixture(scope="session")
def bandit(tools: Callable[..., Toolbox]) -> Tool:
    return tools("bandit").get("bandit")


@pytest.fixture
def real(context: Callable[..., ScanContext], tools: Callable[..., Toolbox]) -> ScanContext:
    return context(tools("bandit"))


@pytest.fixture
def looks() -> Callable[..., dict[str, Look]]:
    """Scans jobs with bandit; gives the looks by target."""

    def scan(context: ScanContext, *jobs: Job) -> dict[str, Look]:
        return {look.target: look for look in Bandit().scan(jobs, context)}

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
    bandit: Tool,
    context: Callable[..., ScanContext],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., ScanContext]:
    """A context whose bandit is a program around the real one.

    The program is Python: `files` are the paths that it was given, `real()` starts bandit in its
    place.
    """

    def make(body: str, **sections: Any) -> ScanContext:
        program = tmp_path / "wrapped" / "bandit"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f"#!{bandit.home}/bin/python\n"
            "import os, sys, time\n"
            f"bandit = '{bandit.executable}'\n"
            "real = lambda: os.execv(bandit, ['bandit', *sys.argv[1:]])\n"
            "files = [word for word in sys.argv[1:] if word.endswith('.py')]\n"
            "texts = {name: open(name, errors='replace').read() for name in files}\n"
            f"{body}\nreal()\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("COMPLINE_SANDBOX", "off")  # it is outside of bandit's environment
        return context(OneTool(replace(bandit, executable=program)), **sections)

    return make
