"""Scanners whose tool is a program of the test's around the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import Look
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.scanners.trivy.canary import canary_secret
from compline.tools.toolbox import Tool, Toolbox

_PROGRAM = """#!{python}
import json, os, pathlib, signal, subprocess, sys, time
real = {real!r}
files = [pathlib.Path(word) for word in sys.argv[1:] if os.path.exists(word)]
files += [inner for each in files if each.is_dir() for inner in each.rglob("*")]
texts = {{str(each): each.read_text(errors="replace") for each in files if each.is_file()}}
{body}
os.execv(real, [real, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Trial:
    """One scanner, what it is tried on, and what a liar in its place would print."""

    name: str
    path: str
    """Of a file; `{n}` stands for its number."""
    defect: str
    """Content with one finding; `{text}` may stand for anything."""
    clean: str
    """Python that prints a report in which all was looked at and nothing is wrong, and exits."""
    settings: Mapping[str, Any]

    def files(self, *texts: str) -> dict[str, str]:
        """One file for each text."""
        return {
            self.path.format(n=n): self.defect.format(text=text) for n, text in enumerate(texts)
        }


class OneTool:
    """A toolbox with a single tool."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool

    def get(self, _name: str) -> Tool:
        return self._tool


_RULE = """
rules:
- id: eval-call
  languages: [python]
  severity: ERROR
  message: Text is evaluated.
  pattern: eval(...)
"""


@pytest.fixture
def trials(tmp_path: Path) -> dict[str, Trial]:
    """Every scanner that starts a tool over repositories."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(_RULE)
    given = [
        Trial(
            "bandit",
            "f{n}.py",
            "exec('{text}')\n",
            "seen = {name: {} for name in texts} | {'_totals': {}}\n"
            "print(json.dumps({'metrics': seen, 'errors': [], 'results': []})); sys.exit(1)",
            {},
        ),
        Trial(
            "semgrep",
            "f{n}.py",
            "eval('{text}')\n",
            "print(json.dumps({'paths': {'scanned': list(texts)}, 'results': [], 'errors': [], "
            "'time': {'fixpoint_timeouts': []}})); sys.exit(0)",
            {"packs": [], "rules": [rules]},
        ),
        Trial(
            "trivy",
            "f{n}/settings.ini",
            f"token = {canary_secret()}\n# {{text}}\n",
            "print(json.dumps({'SchemaVersion': 2, 'Results': []})); sys.exit(0)",
            # What is broken is the process, whatever it looks for; to load its checks of
            # misconfigurations takes trivy ten times as long as all else.
            {"scanners": ["secret"]},
        ),
        Trial(
            "pip-audit",
            "f{n}/requirements.txt",
            "pyyaml==5.3\n{text}==1.0\n",
            "import tomllib\n"
            "lock = next(tomllib.loads(text) for name, text in texts.items() if 'pylock' in name)\n"
            "said = [{**one, 'vulns': []} for one in lock['packages']]\n"
            "print(json.dumps({'dependencies': said})); sys.exit(0)",
            {},
        ),
    ]
    return {trial.name: trial for trial in given}


ContextOf = Callable[..., ScanContext]


@pytest.fixture
def behind(
    tmp_path: Path,
    tools: Callable[..., Toolbox],
    context: ContextOf,
    trials: Mapping[str, Trial],
    monkeypatch: pytest.MonkeyPatch,
) -> ContextOf:
    """A context in which the scanner's tool first does what is told, then what it should.

    What is told is Python: `texts` are the contents of the files that the tool was given, by path;
    `real` is the tool itself.
    """
    monkeypatch.setenv("COMPLINE_SANDBOX", "off")  # the program lies outside of the tool's home

    def make(name: str, body: str = "", **limits: int) -> ScanContext:
        tool = tools(name).get(name)
        program = tmp_path / "behind" / name
        program.parent.mkdir(exist_ok=True)
        text = _PROGRAM.format(python=sys.executable, real=str(tool.executable), body=body)
        program.write_text(text)
        program.chmod(0o755)
        return context(
            OneTool(replace(tool, executable=program)),
            scanners={name: trials[name].settings},
            limits=limits,
        )

    return make


@pytest.fixture
def looks() -> Callable[..., dict[str, Look]]:
    """Scans jobs with the scanner of that name; gives the looks by target."""

    def scan(name: str, context: ScanContext, *jobs: Job) -> dict[str, Look]:
        return {look.target: look for look in registry.load(name).scan(jobs, context)}

    return scan
