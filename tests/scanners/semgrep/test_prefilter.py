"""What is left out because it cannot match: never anything that matches."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look
from compline.scanners.blobs.keys import canary_rules
from compline.scanners.interface import ScanContext
from compline.scanners.semgrep_prefilter import ANY_RULE, Prefilter, mark, read_prefilter
from compline.scanners.semgrep_rules import load_rules, rule_files
from compline.tools.toolbox import Tool

CASES = Path(__file__).parents[1] / "rules"


def test_every_rule_of_our_packs_still_finds_its_own_cases(
    within: Callable[..., ScanContext],
    looks: Callable[..., dict[str, Look]],
    git_repository: Any,
    semgrep: Tool,
    tmp_path: Path,
) -> None:
    files = {
        f"{pack}/{path.name}": path.read_bytes()
        for pack in ("ai", "python")
        for path in sorted((CASES / pack).iterdir())
        if path.is_file()
    }
    for name, content in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)
    rules = load_rules(rule_files(("ai", "python"), ()), canary_rules("semgrep.yaml"))
    raw = json.loads(rules.compiled)["rules"]
    for rule in raw:
        rule.pop("paths", None)
    (tmp_path / "rules.json").write_text(json.dumps({"rules": raw}))
    done = subprocess.run(
        [
            *(semgrep.executable, "scan", "--experimental", "--json", "--quiet", "-j", "1"),
            *("--metrics", "off", "--disable-version-check", "--disable-nosem"),
            *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--no-rewrite-rule-ids"),
            *("--config", tmp_path / "rules.json", "--timeout", "60", "."),
        ],
        cwd=tmp_path / "tree",
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    said = {
        (each["check_id"], each["path"].removeprefix("./"), each["start"]["line"])
        for each in json.loads(done.stdout)["results"]
    }
    context = within(packs=("ai", "python"), ignore={"vendored": [], "generated": []})
    outcome = looks(context, git_repository(files).job())["shop"].outcome
    assert isinstance(outcome, Completed)
    found = {(each.rule, each.place.path, each.place.line) for each in outcome.observations}
    assert {rule for rule, _, _ in said} == set(rules.rules)
    assert found == said


def test_semgreps_own_formulas_are_read(semgrep: Tool) -> None:
    rules = load_rules(rule_files(("ai",), ()), canary_rules("semgrep.yaml"))
    prefilter = read_prefilter(semgrep, rules.compiled, 2_000)
    nothing = prefilter.marks(b"x = 1\n").split("_")
    pickle = prefilter.marks(b"import pickle\npickle.load(f)\n").split("_")
    numbers = [rule["id"] for rule in json.loads(rules.compiled)["rules"]]
    wanted = mark(numbers.index("ai-pickle-load")).strip("_")
    assert wanted in pickle
    assert wanted not in nothing
    assert len(nothing) < len(numbers) / 4


@pytest.mark.parametrize(
    ("formula", "text", "taken"),
    [
        ("None", b"", True),
        (["Some", ["Pred", ["Idents", ["eval"]]]], b"evaluate", True),
        (["Some", ["Pred", ["Idents", ["eval"]]]], b"exec", False),
        (["Some", ["Pred", ["Idents", ["a", "b"]]]], b"b", True),
        (["Some", ["Pred", ["Regexp", "eval"]]], b"", True),
        (
            ["Some", ["And", [["Pred", ["Idents", ["a"]]], ["Pred", ["Idents", ["b"]]]]]],
            b"a",
            False,
        ),
        (["Some", ["And", [["Pred", ["Idents", ["a"]]], ["Pred", ["Regexp", "b"]]]]], b"a", True),
        (["Some", ["Or", [["Pred", ["Idents", ["a"]]], ["Pred", ["Idents", ["b"]]]]]], b"b", True),
        (["Some", ["Or", [["Pred", ["Idents", ["a"]]], ["Pred", ["Idents", ["b"]]]]]], b"c", False),
        (["Some", ["Or", []]], b"", True),
        (["Some", ["Not", ["Pred", ["Idents", ["a"]]]]], b"", True),
        (["Some", ["Pred", ["Idents", [5]]]], b"", True),
        ("Something new", b"", True),
    ],
)
def test_what_is_not_understood_counts_as_a_match(formula: Any, text: bytes, taken: bool) -> None:
    from compline.scanners import semgrep_prefilter as module

    stdout = json.dumps([{"rule_id": "r", "filter": formula}]).encode()
    compiled = json.dumps({"rules": [{"id": "r"}, {"id": "not told"}]}).encode()
    marks = Prefilter(module._formulas(stdout, compiled)).marks(text)
    assert marks == ("_0_1_" if taken else "_1_")


def test_too_many_rules_for_a_name_are_all_rules() -> None:
    prefilter = Prefilter(dict.fromkeys(range(200), lambda _holds: True))
    assert prefilter.marks(b"") == ANY_RULE
    assert Prefilter({}).marks(b"") == ANY_RULE


def test_a_semgrep_that_does_not_tell_leaves_nothing_out(tmp_path: Path) -> None:
    rules = load_rules(rule_files(("ai",), ()), canary_rules("semgrep.yaml")).compiled
    tool = Tool("semgrep", tmp_path / "bin" / "semgrep", "1", "d", tmp_path)
    assert read_prefilter(tool, rules, 500).marks(b"") == ANY_RULE
    core = tmp_path / "lib/python3.11/site-packages/semgrep/bin/semgrep-core"
    core.parent.mkdir(parents=True)
    for body in ("echo nonsense", "exit 3", "echo '[{}]'", "kill -9 $$", "echo '[]'"):
        core.write_text(f"#!/bin/sh\n{body}\n")
        core.chmod(0o755)
        assert read_prefilter(tool, rules, 500).marks(b"") == ANY_RULE


def test_marks_are_not_found_in_one_another() -> None:
    marks = [mark(number) for number in range(2_000)]
    assert len(set(marks)) == 2_000
    name = "f000001_3_17_.py"
    assert [number for number in range(2_000) if mark(number) in name] == [3, 43]
    assert mark(43) == "_17_"
