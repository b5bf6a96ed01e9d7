"""Every trap that bandit sets, by the real bandit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compline.codec import dump_completed
from compline.config.schema import Limits
from compline.model import Completed, FindingKind, Gap, GapReason, Look
from compline.scanners.bandit.scanner import Bandit, BanditAnalyzer
from compline.scanners.interface import CannotScan, ScanContext
from compline.tools.toolbox import Tool, Toolbox

DEFECT = "exec(input())\n"
Looks = Callable[..., dict[str, Look]]


def rules(look: Look) -> list[tuple[str, str, int | None]]:
    assert isinstance(look.outcome, Completed), look.outcome
    return [(each.place.path, each.rule, each.place.line) for each in look.outcome.observations]


def gaps(look: Look) -> list[tuple[GapReason, str]]:
    assert isinstance(look.outcome, Completed), look.outcome
    return [(gap.reason, gap.path) for gap in look.outcome.gaps]


@pytest.mark.parametrize(
    "path",
    [
        ".github/scripts/tool.py",
        "pages.github.io/tool.py",
        "tests/test_tool.py",
        ".tox/tool.py",
        "package.egg/tool.py",
        "a,b/to ol.py",
        "stub.pyi",
        "window.pyw",
    ],
)
def test_no_path_is_left_out_by_a_list_of_bandits_own(
    path: str, real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    assert rules(looks(real, git_repository({path: DEFECT}).job())["shop"]) == [(path, "B102", 1)]


def test_even_names_on_bandits_own_list_are_looked_at(bandit: Tool, tmp_path: Path) -> None:
    analyzer = BanditAnalyzer(bandit, 500, 5)
    for name, content in {**analyzer.equipment, "f.git.py": DEFECT.encode()}.items():
        (tmp_path / name).write_bytes(content)
    assert analyzer.run(tmp_path, ["f.git.py"], 60).answers["f.git.py"].looked


def test_a_workspace_whose_path_holds_git_is_no_trap(
    real: ScanContext, looks: Looks, git_repository: Any, tmp_path: Path
) -> None:
    workspace = tmp_path / "shop.github.io" / ".git" / "tests" / ".compline"
    found = looks(replace(real, workspace=workspace), git_repository({"a.py": DEFECT}).job())
    assert rules(found["shop"]) == [("a.py", "B102", 1)]


def test_configuration_in_the_tree_is_not_read(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository(
        {
            ".bandit": "[bandit]\nskips = B102\nexclude = a.py\n",
            "tox.ini": "[bandit]\nskips = B102\n",
            "setup.cfg": "[bandit]\nskips = B102\n",
            "bandit.yaml": "skips: [B102]\n",
            "pyproject.toml": '[tool.bandit]\nskips = ["B102"]\n',
            "a.py": DEFECT,
        }
    )
    assert rules(looks(real, shop.job())["shop"]) == [("a.py", "B102", 1)]


def test_comments_are_recorded_and_hide_nothing(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    lines = {
        "exec(x)": "",
        "exec(x)  # nosec": "nosec",
        "exec(x)  #nosec because it is needed": "nosec",
        "exec(x)  # nosec: B102": "nosec",
        "exec(x)  # nosec B101, exec_used": "nosec",
        "exec(x)  # nosec B101": "",
        "exec(x)  # nosec assert_used": "",
        'exec("# nosec")': "",
        "exec(\n    x,  # nosec\n)": "nosec",
    }
    shop = git_repository({"a.py": "\n".join(lines)})
    outcome = looks(real, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert [each.suppression for each in outcome.observations] == list(lines.values())


def test_our_reading_of_the_comments_is_bandits(
    real: ScanContext, looks: Looks, git_repository: Any, bandit: Tool, tmp_path: Path
) -> None:
    code = "\n".join(
        f"exec(x)  # {comment}"
        for comment in (
            *(
                "nosec",
                "NOSEC",
                "nosecurity",
                "no sec",
                "nosec:B102",
                "nosec B1",
                "nosec B101,B102",
            ),
            *(
                "nosec B101 B102",
                "nosec exec_used",
                "nosec # B101",
                "type: x # nosec",
                "nosec, B101",
            ),
        )
    )
    outcome = looks(real, git_repository({"a.py": code}).job())["shop"].outcome
    assert isinstance(outcome, Completed)
    shown = {each.place.line for each in outcome.observations if not each.suppression}
    (tmp_path / "a.py").write_text(code)
    done = subprocess.run(
        [bandit.executable, "-q", "-f", "json", "a.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert shown == {each["line_number"] for each in json.loads(done.stdout)["results"]}


def test_a_password_is_nowhere_in_what_is_said(
    real: ScanContext, looks: Looks, git_repository: Any, cache: Any
) -> None:
    shop = git_repository(
        {
            "a.py": 'password = "Tr0ub4dor-one"\nlogin(password="Tr0ub4dor-two")\n'
            'def f(a, token="Tr0ub4dor-three"):\n    pass\n'
        }
    )
    look = looks(real, shop.job())["shop"]
    assert [rule for _, rule, _ in rules(look)] == ["B105", "B106", "B107"]
    assert isinstance(look.outcome, Completed)
    assert b"Tr0ub4dor" not in dump_completed(look.outcome)
    assert all(b"Tr0ub4dor" not in value for value in cache.values.values())
    assert b"Tr0ub4dor" not in real.evidence.get(look.evidence[0])
    assert {each.place.end_line for each in look.outcome.observations} == {1, 2, 3}
    assert {each.kind for each in look.outcome.observations} == {FindingKind.CODE}


def test_a_changed_password_is_the_same_evidence(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository({"a.py": 'password = "one"\n'})
    before = looks(real, shop.job())["shop"].outcome
    shop.commit({"a.py": 'password = "another"\n'})
    after = looks(real, shop.job())["shop"].outcome
    assert isinstance(before, Completed)
    assert isinstance(after, Completed)
    assert before.observations[0].fingerprints == after.observations[0].fingerprints


def test_what_does_not_parse_is_a_gap(real: ScanContext, looks: Looks, git_repository: Any) -> None:
    shop = git_repository(
        {
            "good.py": DEFECT,
            "python2.py": "print 'x'\nexec 'y'\n",
            "broken.py": "def f(:\n",
            "null.py": b"exec(x)\0\n",
            "deep.py": "x = " + "(" * 3000 + ")" * 3000 + "\n",
            "half.py": b"x = 1\n\n\nexec(x)  # \xff\n",
        }
    )
    look = looks(real, shop.job())["shop"]
    assert rules(look) == [("good.py", "B102", 1), ("half.py", "B102", 4)]
    assert gaps(look) == [
        (GapReason.UNPARSED, path)
        for path in ("broken.py", "deep.py", "half.py", "null.py", "python2.py")
    ]


def test_a_test_of_bandit_that_fails_shows_only_in_its_log(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository({"half.py": b"x = 1\n\n\nexec(x)  # \xff\n"})
    outcome = looks(real, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert outcome.gaps == (
        Gap(GapReason.UNPARSED, "half.py", "bandit's test trojansource failed on it"),
    )


def test_scripts_are_known_by_their_first_line(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository(
        {
            "bin/tool": "#!/usr/bin/env python3\n" + DEFECT,
            "bin/shell": "#!/bin/sh\n" + DEFECT,
            "bin/run.cgi": "#!/usr/bin/python\n" + DEFECT,
            "docs/python.cgi": "#!/usr/bin/python\n" + DEFECT,
            "LICENSE": DEFECT,
        },
        executable=["bin/run.cgi"],
    )
    assert rules(looks(real, shop.job())["shop"]) == [
        ("bin/run.cgi", "B102", 2),
        ("bin/tool", "B102", 2),
    ]


def test_a_tree_without_python(real: ScanContext, looks: Looks, git_repository: Any) -> None:
    look = looks(real, git_repository({"README.md": "text"}).job())["shop"]
    assert look.outcome == Completed(())
    assert look.warnings == ("no Python in the tree: nothing to look at",)


def test_cells_of_a_notebook(real: ScanContext, looks: Looks, git_repository: Any) -> None:
    cells = [
        {"cell_type": "markdown", "source": "exec(x)"},
        {"cell_type": "code", "source": "%pip install x\nimport os\n\ndef f(x):\n    exec(x)"},
        {"cell_type": "code", "source": "print 'Python 2'"},
        {"cell_type": "code", "source": "exec(y)  # nosec"},
    ]
    shop = git_repository({"a.ipynb": json.dumps({"cells": cells}), "b.ipynb": "{}"})
    look = looks(real, shop.job())["shop"]
    assert isinstance(look.outcome, Completed)
    first, second = look.outcome.observations
    place = first.place
    assert (place.path, place.cell, place.line, place.symbol) == ("a.ipynb", 2, 5, "f")
    assert (second.place.cell, second.place.line, second.suppression) == (4, 1, "nosec")
    assert first.fingerprints
    assert look.outcome.gaps == (
        Gap(GapReason.UNPARSED, "a.ipynb", "cell 3"),
        Gap(GapReason.UNPARSED, "b.ipynb", "no notebook: no cells"),
    )


def test_a_large_file_is_a_gap_of_ours(
    real: ScanContext, looks: Looks, git_repository: Any
) -> None:
    limits = Limits(file_kb=64)
    shop = git_repository({"a.py": DEFECT, "big.py": "#" * 70_000}, limits=limits)
    assert gaps(looks(real, shop.job())["shop"]) == [(GapReason.TOO_LARGE, "big.py")]


def test_a_missing_tool_says_what_to_do(
    context: Callable[..., ScanContext], git_repository: Any, tmp_path: Path, looks: Looks
) -> None:
    nothing = context(Toolbox(tmp_path / "empty"))
    with pytest.raises(CannotScan, match="compline tools install bandit"):
        Bandit().scan_key(nothing)
    with pytest.raises(CannotScan, match="compline tools install bandit"):
        looks(nothing, git_repository({"a.py": DEFECT}).job())
