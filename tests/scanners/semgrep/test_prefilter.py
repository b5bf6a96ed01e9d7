"""What is left out because it cannot match: never anything that matches."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Config
from compline.model import Completed, Look
from compline.scanners.blobs.keys import canary_rules
from compline.scanners.interface import ScanContext
from compline.scanners.semgrep import prefilter as module
from compline.scanners.semgrep.prefilter import ANY_RULE, Prefilter, mark, read_prefilter
from compline.scanners.semgrep.rules import load_rules, rule_files
from compline.tools.toolbox import Tool, Toolbox

CASES = Path(__file__).parents[1] / "rules"


def cases() -> dict[str, bytes]:
    """The test files of all rules, by pack and name."""
    return {
        f"{pack}/{path.name}": path.read_bytes()
        for pack in ("ai", "python")
        for path in sorted((CASES / pack).iterdir())
        if path.is_file()
    }


def cut(source: str) -> Iterator[str]:
    """Each top-level statement by itself, with those others whose names it uses."""
    tree = ast.parse(source)
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    around = [(node, _names(node)) for node in tree.body if not isinstance(node, named)]
    for node in tree.body:
        used = _names(node)
        kept = [other for other, names in around if names & used and other is not node]
        yield "\n".join(ast.unparse(each) for each in (*kept, node))


def _names(node: ast.AST) -> set[str]:
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    bound = (each for each in ast.walk(node) if isinstance(each, ast.alias))
    return names | {(each.asname or each.name).partition(".")[0] for each in bound}


@pytest.fixture(scope="module")
def pieces() -> dict[str, bytes]:
    """The cases whole, and each of Python's cut to what belongs together."""
    files = {name.replace("/", "-"): content for name, content in cases().items()}
    parts = {
        f"{name.removesuffix('.py')}-{number}.py": part.encode()
        for name, content in files.items()
        if name.endswith(".py")
        for number, part in enumerate(cut(content.decode()))
    }
    return files | parts


def test_no_rule_is_left_out_where_it_matches(
    pieces: dict[str, bytes],
    semgrep: Tool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Semgrep with every rule on every piece, against what we would have left out."""
    compiled = load_rules(rule_files(("ai", "python"), ()), canary_rules("semgrep.yaml")).compiled
    rules = json.loads(compiled)["rules"]
    for rule in rules:
        rule.pop("paths", None)
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, content in pieces.items():
        (tree / name).write_bytes(content)
    (tmp_path / "rules.json").write_text(json.dumps({"rules": rules}))
    done = subprocess.run(
        [
            *(semgrep.executable, "scan", "--experimental", "--json", "--quiet", "-j", "1"),
            *("--metrics", "off", "--disable-version-check", "--disable-nosem"),
            *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--no-rewrite-rule-ids"),
            *("--config", tmp_path / "rules.json", "--timeout", "60", "."),
        ],
        cwd=tree,
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    report = json.loads(done.stdout)
    assert len(report["paths"]["scanned"]) == len(pieces)
    matches = {(one["check_id"], one["path"].removeprefix("./")) for one in report["results"]}
    # Else a file for which many rules are left would count for all of them.
    monkeypatch.setattr(module, "_LONGEST", 1_000_000)
    prefilter = read_prefilter(semgrep, compiled, 2_000)
    marks = {name: prefilter.marks(content) for name, content in pieces.items()}
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    tried = {
        (rule, name) for rule in numbers for name in pieces if mark(numbers[rule]) in marks[name]
    }
    assert {(rule, name) for rule, name in matches if rule in numbers} - tried == set()
    assert len(matches) > 450
    assert len(tried) < 0.2 * len(numbers) * len(pieces)


@pytest.fixture(scope="module")
def reference(tools: Callable[..., Toolbox], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The reference commands, as the benchmarks run them."""
    tools("bandit", "semgrep", "pip-audit", "trivy")
    path = Path(__file__).parents[2] / "benchmarks" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "reference", module)  # its dataclasses look there
        spec.loader.exec_module(module)
    scratch = tmp_path_factory.mktemp("reference")
    workspace = Path(__file__).parents[3] / ".compline"
    config = Config.model_validate({"organisation": "test", "workspace": workspace})
    return module.Reference(config, scratch, scratch, "")


def test_the_reference_command_says_the_same_of_every_rules_cases(
    within: Callable[..., ScanContext],
    looks: Callable[..., dict[str, Look]],
    git_repository: Any,
    reference: Any,
) -> None:
    """Semgrep's Python front end over a checkout, against the adapter over its blobs."""
    shop = git_repository(cases())
    said = reference.semgrep(shop.directory).statements
    context = within(packs=("ai", "python"), ignore={"vendored": [], "generated": []})
    outcome = looks(context, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert outcome.gaps == ()
    found = Counter(
        (one.rule, one.place.path, one.place.line, one.place.end_line)
        for one in outcome.observations
    )
    assert found == Counter(
        (one.rule, one.path, one.line, int(one.what.partition("-")[2])) for one in said
    )
    rules = load_rules(rule_files(("ai", "python"), ()), canary_rules("semgrep.yaml")).rules
    assert {one.rule for one in said} == set(rules)


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
