"""What counts as measured: by the code, not by the day; and what prove does with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Script = Callable[[str], ModuleType]
NOW, BEFORE = {"include": "b"}, {"include": "a"}


def result(script: Script, name: str, measured: dict[str, str]) -> Any:
    return script("results").Result(name, "c" * 40, "2026-11-23", measured, "2 cores", {"x": 1})


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(script: Script, tmp_path: Path) -> Path:
    """With a file in each folder that is measured."""
    git(tmp_path, "init", "--quiet")
    for folder in script("results").MEASURED:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text("1\n")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_what_is_missing_or_not_current_is_run(script: Script) -> None:
    to_run = script("results").to_run
    found = {
        name: result(script, name, measured)
        for name, measured in (("bench 1", NOW), ("bench 2", BEFORE), ("gone", BEFORE))
    }
    plan = ["bench 1", "bench 2", "bench 3", "kills"]
    assert to_run(found, plan, NOW) == ["bench 2", "bench 3", "kills"]
    assert to_run(found, plan, NOW, only="bench") == ["bench 2", "bench 3"]
    assert to_run(found, plan, NOW, only="bench 1", again=True) == ["bench 1"]
    assert to_run(found, plan, NOW, again=True) == plan


def test_results_come_back_in_their_order(script: Script, tmp_path: Path) -> None:
    results = script("results")
    path = tmp_path / "measurements.json"
    assert results.load(path) == {}
    found = {name: result(script, name, NOW) for name in ("b", "a")}
    results.save(path, found)
    assert list(results.load(path).items()) == list(found.items())
    keys = list(json.loads(path.read_text())[0])
    assert keys == sorted(keys)
    assert [entry.name for entry in tmp_path.iterdir()] == ["measurements.json"]


def test_trees_are_those_of_the_commit_until_something_changes(
    script: Script, repository: Path
) -> None:
    results = script("results")
    before, head = results.trees(repository), git(repository, "rev-parse", "HEAD")
    assert before["include"] == git(repository, "rev-parse", "HEAD:include")
    assert results.commit(repository, before) == head
    (repository / "include" / "a.pyc").write_text("2\n")
    (repository / "elsewhere.py").write_text("2\n")
    assert results.trees(repository) == before
    (repository / "include" / "b.py").write_text("2\n")
    after = results.trees(repository)
    assert {path for path in after if after[path] != before[path]} == {"include"}
    assert results.commit(repository, after) == f"{head} with uncommitted changes"
    assert git(repository, "diff", "--cached", "--name-only") == ""
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "second")
    assert results.commit(repository, after) == git(repository, "rev-parse", "HEAD")


def test_the_newest_commit_of_those_that_are_known(script: Script, repository: Path) -> None:
    results = script("results")
    hashes = [git(repository, "rev-parse", "HEAD")]
    for number in (1, 2):
        date = f"2030-01-0{number}T00:00:00Z"
        tree = git(repository, "rev-parse", "HEAD^{tree}")
        env = {"GIT_COMMITTER_DATE": date}
        done = subprocess.run(
            ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b.c",
             "commit-tree", tree, "-m", date],
            env=env, check=True, capture_output=True, text=True,
        )  # fmt: skip
        hashes.append(done.stdout.strip())
    found = [
        results.Result("a", commit, "2026-11-23", {}, "", {})
        for commit in (hashes[2] + " with uncommitted changes", hashes[1], hashes[0], "f" * 40)
    ]
    assert results.newest(repository, found) == hashes[2]
    assert results.newest(repository, found[1:]) == hashes[1]
    assert results.newest(repository, []) == ""


@pytest.fixture
def prove(script: Script, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """prove.py over two slices in a repository of its own; gives its exit code."""
    module: Any = script("prove")
    monkeypatch.setattr(module, "ROOT", repository)
    monkeypatch.setattr(module, "_HOME", repository / "elsewhere")
    monkeypatch.setattr(module, "_PAGE", repository / "page.md")
    monkeypatch.setattr(module, "_JSON", repository / "page.json")

    def run(*arguments: str, **slices: Callable[[], dict[str, Any]]) -> int:
        plan = [module.Slice(name, slices[name]) for name in slices]
        monkeypatch.setattr(module, "planned", lambda _: plan)
        monkeypatch.setattr(sys, "argv", ["prove", *arguments])
        return int(module.main())

    return run


def failing() -> dict[str, Any]:
    raise SystemExit("it broke")


def test_a_campaign_goes_on_where_it_was(
    script: Script, repository: Path, prove: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    started = []

    def kills() -> dict[str, Any]:
        started.append("kills")
        return {"seeds": len(started), "pytest": "2 passed"}

    def load() -> Any:
        return script("results").load(repository / "page.json")

    assert prove(kills=kills, airflow=failing) == 1
    assert "failed: airflow" in capsys.readouterr().out
    assert list(load()) == ["kills"]
    page = (repository / "page.md").read_text()
    assert "1 seeds, each: `2 passed`" in page
    assert "Never measured: airflow." in page
    assert load()["kills"].commit == git(repository, "rev-parse", "HEAD")
    assert load()["kills"].slice_seconds < 60

    assert prove(kills=kills, airflow=lambda: {"rows": [["night, s", 2.0]]}) == 0
    assert started == ["kills"]
    assert "2 slices are current, 0 missing" in capsys.readouterr().out

    (repository / "include" / "a.py").write_text("2\n")
    assert prove("--only", "kills", kills=kills, airflow=failing) == 0
    assert load()["kills"].commit.endswith(" with uncommitted changes")
    assert load()["kills"].measured != load()["airflow"].measured
    assert "1 slices are current, 1 missing or older" in capsys.readouterr().out


def test_a_result_that_the_same_code_does_not_give_again_goes(
    script: Script, repository: Path, prove: Callable[..., int]
) -> None:
    load = script("results").load
    assert prove(kills=lambda: {"seeds": 1, "pytest": "2 passed"}) == 0
    (repository / "include" / "a.py").write_text("2\n")
    assert prove(kills=failing) == 1
    assert list(load(repository / "page.json")) == ["kills"]  # of the older code
    git(repository, "checkout", "--quiet", "include")
    assert prove("--again", kills=failing) == 1
    assert load(repository / "page.json") == {}


def test_what_changes_under_a_measurement_is_no_result(
    script: Script, repository: Path, prove: Callable[..., int]
) -> None:
    def kills() -> dict[str, Any]:
        (repository / "dags" / "a.py").write_text("2\n")
        return {"seeds": 1, "pytest": "2 passed"}

    assert prove(kills=kills) == 1
    assert script("results").load(repository / "page.json") == {}
