"""A night in which the tool breaks: the ledger says how, nothing closes, the next one mends it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import RunResult, State
from compline.store.outbox import list_regressions
from compline.tools.toolbox import Tool, Toolbox

CODE = "".join(f"def work_{n}(text):\n    return eval(text, {n})\n\n\n" for n in range(12))
WAYS = {
    "hangs": ("time.sleep(600)", "longer than 4 s"),
    "floods": ("while True: sys.stdout.write('x' * 65536)", "more than 2 MB"),
    "eats memory": ("block = bytearray(600 << 20); time.sleep(5)", "more than 400 MB"),
    "prints garbage": ("print('all is well'); sys.exit(1)", "cannot be read"),
    "says that all is clean": (
        """seen = {word: {} for word in sys.argv if word.endswith('.py')} | {'_totals': {}}
print(json.dumps({'metrics': seen, 'errors': [], 'results': []})); sys.exit(1)""",
        "canary",
    ),
    "is killed": ("os.kill(os.getpid(), 9)", "SIGKILL"),
}


@pytest.fixture
def broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], pytest.MonkeyPatch]]:
    """Puts a program that does this in the place of every tool, until it is undone."""
    monkeypatch.setenv("COMPLINE_SANDBOX", "off")
    real = Toolbox.get

    def put(body: str) -> pytest.MonkeyPatch:
        program = tmp_path / "broken"
        program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
        program.chmod(0o755)

        def get(box: Toolbox, name: str) -> Tool:
            return replace(real(box, name), executable=program)

        patch.setattr(Toolbox, "get", get)
        return patch

    with pytest.MonkeyPatch.context() as patch:
        yield put


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_lost(way: str, equipped: Any, broken: Any) -> None:
    equipped.commit("web", {"app.py": CODE})
    equipped.night()
    before = equipped.open()
    assert len(before) == 12
    equipped.sections["limits"] = {
        "tool_seconds": 4 if way == "hangs" else 60,
        "tool_output_mb": 2,
        "tool_memory_mb": 400,
    }
    body, reason = WAYS[way]
    mend = broken(body)
    night = equipped.night(fresh=True)
    assert night.result is RunResult.INCOMPLETE
    row = night.row("web", "bandit")
    assert row.outcome == "failed"
    assert reason in row.reason
    assert "compline tools install bandit" in row.reason
    assert str(equipped.home) not in row.reason
    assert equipped.open() == before
    with equipped.session() as session:
        worse = [view.regression.kind.value for view in list_regressions(session.store)]
    told = "canary-missed" if reason == "canary" else "coverage-lost"
    assert worse == ["baseline", told]
    mend.undo()
    assert equipped.night().row("web", "bandit").outcome == "completed"
    assert set(equipped.open()) == set(before)
    assert equipped.findings(State.RESOLVED) == {}
