"""Which files a rule is meant for: our reading against Semgrep's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look
from compline.scanners.interface import CannotScan, ScanContext
from compline.scanners.semgrep.languages import Languages
from compline.scanners.semgrep.paths import PathFilter
from compline.tools.toolbox import Tool

Rules = Callable[..., Path]
Within = Callable[..., ScanContext]
Looks = Callable[..., dict[str, Look]]

PATTERNS = [
    *("*.py", "tests", "tests/", "/tests", "tests/**", "tests/*", "**/tests/**", "src/*.py"),
    *("/src/*.py", "src/**/*.py", "**/app.py", "app.py", "/app.py", "./app.py", "src/app"),
    *("src/app/", "app", "test_*", "*test*", "src", "**", "**/unit", "unit/*.py", "[a-t]pp.py"),
    *("[!b-z]pp.py", "?pp.py", "{app,test_a}.py", "a b", "!app.py", "TESTS", "src/*", "*", "/"),
    *("src/*/app.py", "**/src/**/tests/*", ".hidden", ".*", "app.p?", "tests/unit/../unit"),
]
FILES = [
    f"{folder}{name}"
    for folder in (
        "",
        "src/",
        "src/app/",
        "tests/",
        "tests/unit/",
        "a b/",
        "src/tests/",
        ".hidden/",
    )
    for name in ("app.py", "test_a.py")
]


def semgrep_on(
    semgrep: Tool, directory: Path, rules: list[dict[str, Any]], *targets: str
) -> dict[str, Any]:
    """The report of the reference command over a directory."""
    config = directory.parent / f"{directory.name}.json"
    config.write_text(json.dumps({"rules": rules}))
    done = subprocess.run(
        [
            *(semgrep.executable, "scan", "--experimental", "--json", "--quiet", "-j", "1"),
            *("--metrics", "off", "--disable-version-check", "--disable-nosem"),
            *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--no-rewrite-rule-ids"),
            *("--config", config, *(targets or (".",))),
        ],
        cwd=directory,
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory.parent)},
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_paths_of_rules_mean_what_they_mean_to_semgrep(semgrep: Tool, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in FILES:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("eval(x)\n")
    base = {"languages": ["python"], "severity": "ERROR", "message": "m", "pattern": "eval(...)"}
    rules = [
        base | {"id": f"{kind}-{number}", "paths": {kind: [pattern]}}
        for number, pattern in enumerate(PATTERNS)
        for kind in ("include", "exclude")
    ]
    both = {"include": ["src", "app.py"], "exclude": ["src/app", "tests"]}
    rules.append(base | {"id": "both-0", "paths": both})
    said = {
        (result["check_id"], result["path"].removeprefix("./"))
        for result in semgrep_on(semgrep, tree, rules)["results"]
    }
    filters = {"both-0": PathFilter.of(**both)}
    for number, pattern in enumerate(PATTERNS):
        filters[f"include-{number}"] = PathFilter.of([pattern], [])
        filters[f"exclude-{number}"] = PathFilter.of([], [pattern])
    ours = {(name, path) for name, each in filters.items() for path in FILES if each.takes(path)}
    unlike = {
        (PATTERNS[int(name.partition("-")[2])], name, path)
        for name, path in ours.symmetric_difference(said)
    }
    assert unlike == set()


def test_every_suffix_keeps_its_language_under_a_neutral_name(
    semgrep: Tool, tmp_path: Path
) -> None:
    table = next(semgrep.home.glob("lib/python3*/site-packages/semgrep/semgrep_interfaces"))
    rows = json.loads((table / "lang.json").read_text())
    keys = [row["keys"][0] for row in rows if row["exts"] not in ([], [""])]
    languages = Languages.of_rules(semgrep, keys)
    tree = tmp_path / "tree"
    tree.mkdir()
    base = {"severity": "INFO", "message": "m", "pattern-regex": "marker"}
    rules = [base | {"id": f"in-{key}", "languages": [key]} for key in keys]
    wanted = {
        f"f{languages.neutral(suffix)}"
        for row in rows
        for suffix in row["exts"]
        if suffix and row["keys"][0] in keys
    }
    for name in wanted:
        (tree / name).write_text("marker\n")
    report = semgrep_on(semgrep, tree, rules)
    scanned = {name.removeprefix("./") for name in report["paths"]["scanned"]}
    # Some need Semgrep's paid engine; rules for them are refused.
    paid = {error["rule_id"] for error in report["errors"] if error["type"] == "Missing plugin"}
    assert {
        f"in-{row['keys'][0]}"
        for row in rows
        for suffix in row["exts"]
        if f"f{suffix}" in wanted - scanned
    } <= paid
    assert len(wanted) > 80


def test_names_and_suffixes(semgrep: Tool) -> None:
    languages = Languages.of_rules(semgrep, ["py", "dockerfile", "js", "ts", "bash", "json"])
    for name, suffix, neutral in (
        ("app.py", ".py", ".py"),
        ("app.min.js", ".js", ".js"),
        ("types.d.ts", ".ts", ".ts"),
        ("Dockerfile", "Dockerfile", ".dockerfile"),
        ("api.Dockerfile", ".Dockerfile", ".Dockerfile"),
        ("run.sh", ".sh", ".sh"),
    ):
        assert languages.suffix(name) == suffix
        assert languages.neutral(suffix) == neutral
    for name in ("README.md", "Makefile", "main.go", "py", "Dockerfile.dev"):
        assert languages.suffix(name) == ""
    assert languages.suffix_of_program("python3") == ".py"
    assert languages.suffix_of_program("node") == ".js"
    assert languages.suffix_of_program("bash") == ".sh"
    assert languages.suffix_of_program("ruby") == ""
    assert languages.of_any_file == frozenset()
    assert Languages.of_rules(semgrep, ["generic"]).of_any_file == {"generic"}


def test_a_table_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotScan, match="compline tools install semgrep"):
        Languages.of_rules(Tool("semgrep", tmp_path, "1", "d", tmp_path), ["python"])


def test_rules_with_paths_see_only_their_files(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    path = rules(
        {"id": "everywhere"},
        {"id": "in-source", "paths": {"include": ["/src"]}},
        {"id": "not-in-tests", "paths": {"exclude": ["tests"]}},
    )
    same = "eval(x)\n"
    shop = git_repository({"src/a.py": same, "src/tests/a.py": same, "a.py": same})
    context = within(path)
    outcome = looks(context, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    found = sorted((each.place.path, each.rule) for each in outcome.observations)
    assert found == [
        ("a.py", "everywhere"),
        ("a.py", "not-in-tests"),
        ("src/a.py", "everywhere"),
        ("src/a.py", "in-source"),
        ("src/a.py", "not-in-tests"),
        ("src/tests/a.py", "everywhere"),
        ("src/tests/a.py", "in-source"),
    ]
    shop.commit({"a.py": None, "src/b.py": same})
    look = looks(context, shop.job())["shop"]
    assert not look.fresh
    assert isinstance(look.outcome, Completed)
    assert {each.rule for each in look.outcome.observations if each.place.path == "src/b.py"} == {
        "everywhere",
        "in-source",
        "not-in-tests",
    }


def test_rules_for_any_file_see_text_of_their_paths(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    path = rules(
        {
            "id": "left",
            "languages": ["generic"],
            "pattern": "LEFT UNDONE",
            "paths": {"include": ["*.md", "*.py", "notes"]},
        },
        {"id": "word", "languages": ["regex"], "pattern": None, "pattern-regex": "LEFT"},
    )
    raw = json.loads(json.dumps(__import__("yaml").safe_load(path.read_text())))
    del raw["rules"][1]["pattern"]
    path.write_text(json.dumps(raw))
    text = "LEFT UNDONE\n"
    shop = git_repository(
        {
            "a.md": text,
            "b.py": f"# {text}",
            "notes": text,
            "other.cfg": text,
            "picture.md": b"\0\1LEFT UNDONE",
        }
    )
    outcome = looks(within(path), shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert sorted((each.place.path, each.rule) for each in outcome.observations) == [
        ("a.md", "left"),
        ("a.md", "word"),
        ("b.py", "left"),
        ("b.py", "word"),
        ("notes", "left"),
        ("notes", "word"),
        ("other.cfg", "word"),
    ]
    assert outcome.gaps == ()
