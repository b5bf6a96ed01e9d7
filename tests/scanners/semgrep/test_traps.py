"""Every trap that Semgrep sets, by the real Semgrep."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from looks import places

from compline.codec import dump_completed
from compline.config.schema import Limits
from compline.model import Completed, Gap, GapReason, Look
from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Tool

DEFECT = "eval(input())\n"
Looks = Callable[..., dict[str, Look]]
Within = Callable[..., ScanContext]
Rules = Callable[..., Path]


def gaps(look: Look) -> list[tuple[GapReason, str]]:
    assert isinstance(look.outcome, Completed), look.outcome
    return [(gap.reason, gap.path) for gap in look.outcome.gaps]


def test_no_path_is_left_out_by_a_list_of_semgreps_own(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    javascript = rules({"id": "js", "languages": ["js", "ts"]}, name="js.yaml")
    paths = [
        *("tests/a.py", "test/b.py", ".github/c.py", "build/d.py", "dist/e.py", "x.egg/f.py"),
        *(".semgrep/g.py", "examples/h.py", "static/i.min.js", "types/j.d.ts", ".venv/k.py"),
        *("_test.go/l.py", "bin/m.py", ".npm/n.js", "a b/ö,*.py", "-o.py"),
    ]
    shop = git_repository({path: f"{path!r};{DEFECT}" for path in paths})
    context = within(rules(), javascript, ignore={"vendored": [], "generated": []})
    assert sorted(path for path, _ in places(looks(context, shop.job())["shop"])) == sorted(paths)


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_an_enclosing_repository_has_no_say(
    sandbox: str,
    within: Within,
    looks: Looks,
    git_repository: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPLINE_SANDBOX", sandbox)
    outer = tmp_path / "outer"
    workspace = outer / ".compline"
    workspace.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", outer], check=True)
    (outer / ".gitignore").write_text(".compline\n*.py\n")
    (outer / ".semgrepignore").write_text("*.py\n.compline\n")
    context = replace(within(), workspace=workspace)
    shop = git_repository({"a.py": DEFECT})
    assert places(looks(context, shop.job())["shop"]) == [("a.py", 1)]


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_ignore_files_of_the_tree_have_no_say(
    sandbox: str,
    within: Within,
    looks: Looks,
    git_repository: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPLINE_SANDBOX", sandbox)
    shop = git_repository(
        {
            ".gitignore": "a.py\n",
            ".semgrepignore": "*.py\n",
            ".semgrep/settings.yml": "has_shown_metrics_notification: true\n",
            ".semgrep.yml": "rules: []\n",
            "a.py": DEFECT,
        }
    )
    look = looks(within(), shop.job())["shop"]
    assert places(look) == [("a.py", 1)]
    assert look.sandbox == ("limits" if sandbox == "off" else look.sandbox)


def test_large_files_are_bounded_by_us_alone(
    within: Within, looks: Looks, git_repository: Any
) -> None:
    large = DEFECT + "#" + "x" * 1_500_000 + "\n"
    shop = git_repository({"a.py": large, "b.py": large * 2}, limits=Limits(file_kb=2_000))
    look = looks(within(), shop.job())["shop"]
    assert places(look) == [("a.py", 1)]
    assert gaps(look) == [(GapReason.TOO_LARGE, "b.py")]


def test_comments_are_recorded_and_hide_nothing(
    within: Within, looks: Looks, git_repository: Any, semgrep: Tool, tmp_path: Path, rules: Rules
) -> None:
    code = "\n".join(
        (
            *("eval(1)  # nosemgrep", "eval(2)  # nosem", "eval(3)  # nosemgrep: eval-call"),
            *("eval(4)  # nosemgrep: other", "eval(5)  # nosemgrep: other, eval-call"),
            *("eval(6)  # NOSEMGREP", "eval(7)  #nosemgrep", "# nosemgrep", "eval(9)"),
            *("# nosemgrep: eval-call", "eval(11)", "# nosemgrep: other", "eval(13)"),
            *("x = 1  # nosemgrep", "eval(15)", "eval(", "  16)  # nosemgrep", "eval('nosemgrep')"),
            *("eval(19)  # reason: nosemgrep because", "eval(20)  # xnosemgrep", "# nosemgrep", ""),
            *("eval(23)", "# some words nosemgrep", "eval(25)", "    # - nosemgrep", "eval(27)"),
            "eval(28)",
        )
    )
    outcome = looks(within(), git_repository({"a.py": code}).job())["shop"].outcome
    assert isinstance(outcome, Completed)
    lines = {each.place.line: each.suppression for each in outcome.observations}
    assert len(lines) == 19
    assert set(lines.values()) == {"", "nosemgrep"}
    (tmp_path / "a.py").write_text(code)
    done = subprocess.run(
        [
            *(semgrep.executable, "scan", "--experimental", "--json", "--metrics", "off"),
            *("--disable-version-check", "--config", rules(), "a.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    shown = {each["start"]["line"] for each in json.loads(done.stdout)["results"]}
    assert {line for line, words in lines.items() if not words} == shown


def test_python_that_does_not_parse_is_a_gap_and_keeps_its_findings(
    within: Within, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository(
        {
            "broken.py": f"def f(:\n    pass\n{DEFECT}",
            "good.py": DEFECT,
            "python2.py": f"print 'x'\n{DEFECT}",
        }
    )
    look = looks(within(), shop.job())["shop"]
    assert places(look) == [("broken.py", 3), ("good.py", 1), ("python2.py", 2)]
    assert gaps(look) == [(GapReason.UNPARSED, "broken.py"), (GapReason.UNPARSED, "python2.py")]


def test_what_semgrep_admits_not_to_have_parsed_is_a_gap(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    shop = git_repository({"a.js": "eval(x);\nfunction ( {\n", "b.js": "eval(y);\n"})
    look = looks(within(rules({"languages": ["js"]})), shop.job())["shop"]
    assert places(look) == [("a.js", 1), ("b.js", 1)]
    assert isinstance(look.outcome, Completed)
    assert look.outcome.gaps == (
        Gap(GapReason.UNPARSED, "a.js", "Semgrep could parse it only in part"),
    )


def test_bytes_that_are_no_text_do_not_spoil_the_report(
    within: Within, looks: Looks, git_repository: Any
) -> None:
    shop = git_repository(
        {"a.py": b"\0\1\xff\xfe eval(x)", "b.py": b"eval(x) # \xff\xfe\n", "c.py": DEFECT}
    )
    look = looks(within(), shop.job())["shop"]
    assert ("b.py", 1) in places(look)
    assert ("c.py", 1) in places(look)
    assert (GapReason.UNPARSED, "a.py") in gaps(look)


def test_a_rule_that_runs_out_of_time_is_a_gap_that_does_not_last(
    within: Within,
    looks: Looks,
    git_repository: Any,
    rules: Rules,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from compline.scanners.semgrep import scanner as module

    monkeypatch.setattr(module, "_SECONDS_PER_RULE", 1)
    deep = "x = " + "[" * 100_000 + "1" + "]" * 100_000 + ";\neval(x);\n"
    shop = git_repository({"deep.js": deep, "b.js": "eval(y);\n"})
    context = within(rules({"languages": ["js"]}))
    for fresh in (True, False):
        look = looks(context, shop.job())["shop"]
        assert places(look) == [("b.js", 1)]
        assert isinstance(look.outcome, Completed)
        assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
            (GapReason.CRASHED, "deep.js")
        ]
        assert look.fresh is fresh
        assert look.sandbox  # it was tried again


def test_scripts_are_known_by_their_first_line_if_they_may_be_executed(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    files = {
        "bin/tool": "#!/usr/bin/env python3\n" + DEFECT,
        "bin/node": "#!/usr/bin/env node\neval(x);\n",
        "bin/ruby": "#!/usr/bin/env ruby\neval(x)\n",
        "bin/plain": "#!/usr/bin/env python3\n" + DEFECT,
    }
    shop = git_repository(files, executable=["bin/tool", "bin/node", "bin/ruby"])
    context = within(rules({}, {"id": "js", "languages": ["javascript"]}))
    assert places(looks(context, shop.job())["shop"]) == [("bin/node", 2), ("bin/tool", 2)]


def test_cells_and_outputs_of_a_notebook(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    cells = [
        {"cell_type": "markdown", "source": "The key is key-abcdefgh"},
        {
            "cell_type": "code",
            "source": "!pip install x\n\ndef f(x):\n    eval(x)  # nosemgrep",
            "outputs": [{"output_type": "stream", "text": ["first\n", "key-ijklmnop\n"]}],
        },
        {"cell_type": "code", "source": "%env KEY=key-qrstuvwx\nprint 1"},
    ]
    shop = git_repository({"a.ipynb": json.dumps({"cells": cells}, indent=1)})
    key = {
        "id": "key",
        "languages": ["python", "json"],
        "pattern-regex": "key-[a-z]+",
        "metadata": {"cwe": ["CWE-798"]},
    }
    path = rules({}, name="one.yaml")
    other = path.with_name("two.yaml")
    raw = {"severity": "ERROR", "message": "A key.", **key}
    other.write_text(json.dumps({"rules": [raw]}))
    look = looks(within(path, other), shop.job())["shop"]
    assert isinstance(look.outcome, Completed)
    found = [
        (each.rule, each.place.cell, each.place.line, each.place.symbol, each.suppression)
        for each in look.outcome.observations
    ]
    assert sorted(found, key=str) == [
        ("eval-call", 2, 4, "f", "nosemgrep"),
        ("key", 1, 1, "", ""),
        ("key", 2, None, "", ""),
        ("key", 3, 1, "", ""),
    ]
    assert all(each.fingerprints for each in look.outcome.observations)
    assert gaps(look) == [(GapReason.UNPARSED, "a.ipynb")]
    assert b"key-" not in dump_completed(look.outcome)


def test_a_key_is_nowhere_in_what_is_said(
    looks: Looks, git_repository: Any, within: Within, cache: Any
) -> None:
    key = "sk-proj-" + "Ab1" * 16
    shop = git_repository(
        {
            "a.py": f'import openai\nopenai.api_key = "{key}"\n',
            "Dockerfile": f"FROM x\nENV OPENAI_API_KEY={key}\n",
        }
    )
    context = within(packs=("ai",))
    look = looks(context, shop.job())["shop"]
    assert {path for path, _ in places(look)} == {"a.py", "Dockerfile"}
    assert isinstance(look.outcome, Completed)
    assert key.encode() not in dump_completed(look.outcome)
    assert all(key.encode() not in value for value in cache.values.values())
    assert key.encode() not in context.evidence.get(look.evidence[0])


def test_a_tree_without_a_file_for_any_rule(
    within: Within, looks: Looks, git_repository: Any
) -> None:
    look = looks(within(), git_repository({"README.md": "text"}).job())["shop"]
    assert look.outcome == Completed(())
    assert look.warnings == ("no file in a language of the rules: nothing to look at",)
