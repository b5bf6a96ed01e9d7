"""What a task sees of its own deployment: options, files' modes, passwords, DAG files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.airflow import inside

SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
SHELL = """
BashOperator(task_id="remove", bash_command="rm -rf /data/{{ params.folder }}")
"""


@pytest.fixture
def deployment(tmp_path: Path, own: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A deployment's folders, and what it says of itself."""
    home = tmp_path / "home"
    (home / "dags" / "inner").mkdir(parents=True)
    (home / "plugins").mkdir()
    (home / "dags" / "inner" / "clean.py").write_text(SHELL)
    passwords = home / "passwords.json"
    kept = {"ann": "admin", "bob": "same-same-same", "eve": "good-and-long-enough"}
    passwords.write_text(json.dumps(kept))
    passwords.chmod(0o600)
    monkeypatch.setenv("AIRFLOW_HOME", str(home))
    options = {
        ("core", "auth_manager"): SIMPLE,
        ("core", "simple_auth_manager_users"): "ann:admin,bob:user,eve:viewer,new:op",
        ("core", "simple_auth_manager_passwords_file"): str(passwords),
        ("core", "dags_folder"): str(home / "dags"),
        ("core", "plugins_folder"): str(home / "plugins"),
    }
    for path in (home / "dags", home / "dags" / "inner", home / "plugins"):
        path.chmod(0o755)
    return home, own(options)


def test_the_look_of_a_task(deployment: Any, look_at: Any, found: Any) -> None:
    home, own = deployment
    (home / "airflow.cfg").write_text("[core]\n")
    (home / "airflow.cfg").chmod(0o644)
    (home / "dags" / "inner" / "clean.py").chmod(0o666)

    look = look_at(here=True, own=own)

    seen = {key for key in found(look) if not key[0].startswith("package-with")}
    # The tests may run as root, whom nothing stops from writing.
    seen -= {("dags-writable-by-tasks", f"file/{home}/{name}") for name in ("dags", "plugins")}
    assert seen == {
        ("simple-auth-manager", "setting/authentication"),
        ("default-or-shared-password", "password/ann"),
        ("shell-from-parameters", "dag-file/inner/clean.py/remove"),
        ("code-writable-by-everybody", f"file/{home}/dags/inner/clean.py"),
        ("secrets-readable-by-others", f"file/{home}/airflow.cfg"),
    }


def test_passwords_are_judged_and_not_tried(deployment: Any, look_at: Any, scene: Any) -> None:
    home, own = deployment
    kept = {"ann": "same-same-same", "bob": "same-same-same", "eve": "tiny"}
    (home / "passwords.json").write_text(json.dumps(kept))
    look = look_at(here=True, own=own)
    told = {(o.rule, o.subject) for o in look.outcome.observations if o.subject[:9] == "password/"}
    assert told == {
        ("default-or-shared-password", "password/ann"),
        ("default-or-shared-password", "password/bob"),
        ("short-password", "password/eve"),
    }
    paths = {gap.path for gap in look.outcome.gaps if gap.path.startswith(("password", "login"))}
    assert paths == {"password/new", "login/"}, "what the file does not have is no good password"
    kept = b"".join(p.read_bytes() for p in scene.home.rglob("*") if p.is_file())
    assert b"same-same" not in kept


def test_whether_tasks_may_write(
    deployment: Any, look_at: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, own = deployment
    for answer in (True, False):
        monkeypatch.setattr(inside.os, "access", lambda *_a, answer=answer: answer)
        rows, _ = inside.file_rows(own, simple=True)
        assert {row["task_writes"] for row in rows if row["kind"] == "dags"} == {answer}
    monkeypatch.setattr(inside.os, "access", lambda *_: True)
    assert ("dags-writable-by-tasks", f"file/{home}/dags") in found(look_at(here=True, own=own))


def test_what_in_a_closed_folder_tasks_may_write(
    deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, own = deployment
    ours = home / "dags" / "inner"
    monkeypatch.setattr(
        inside.os, "access", lambda path, _mode: Path(path) == ours or ours in Path(path).parents
    )
    rows, _ = inside.file_rows(own, simple=True)
    assert [row["path"] for row in rows if row["task_writes"]] == [str(ours)], "and not all in it"


def test_links_are_followed_as_airflow_does(deployment: Any, tmp_path: Path) -> None:
    home, own = deployment
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "more.py").write_text(SHELL)
    (shared / "more.py").chmod(0o666)
    (home / "dags" / "linked").symlink_to(shared)
    (shared / "back").symlink_to(home / "dags")

    rows, _ = inside.file_rows(own, simple=True)
    assert [row["path"] for row in rows if row["everybody_writes"]] == [
        f"{home}/dags/linked/more.py"
    ]
    assert set(inside.sources(own)[0]) == {"inner/clean.py", "linked/more.py"}


def test_bundles(deployment: Any, tmp_path: Path) -> None:
    _, own = deployment
    team = tmp_path / "team"
    team.mkdir()
    team.chmod(0o777)
    (team / "more.py").write_text(SHELL)
    (team / "packed.zip").write_bytes(b"PK")
    local, git = "airflow.dag_processing.bundles.local.LocalDagBundle", "x.git.GitDagBundle"
    configured = [
        {"name": "dags-folder", "classpath": local, "kwargs": {}},
        {"name": "team", "classpath": local, "kwargs": {"path": str(team)}},
        {"name": "copied", "classpath": git, "kwargs": {"repo_url": "x"}},
    ]
    bundles = ("dag_processor", "dag_bundle_config_list")
    own.options[bundles] = json.dumps(configured)

    rows, gaps = inside.file_rows(own, simple=True)
    assert [row["path"] for row in rows if row["everybody_writes"]] == [str(team)]
    assert [(gap.path, "copied" in gap.detail) for gap in gaps] == [("file/", True)]
    found, gaps = inside.sources(own)
    assert set(found) == {"inner/clean.py", "team:more.py"}
    assert {gap.path for gap in gaps} == {"dag-file/", "dag-file/team:packed.zip/"}

    own.options[bundles] = "no list"
    assert [gap.path for gap in inside.file_rows(own, simple=True)[1]] == ["file/"]


def test_a_configuration_file_elsewhere(
    deployment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "etc.cfg"
    elsewhere.write_text("[core]\n")
    elsewhere.chmod(0o640)
    monkeypatch.setenv("AIRFLOW_CONFIG", str(elsewhere))
    rows, _ = inside.file_rows(deployment[1], simple=False)
    assert [row["path"] for row in rows if row["everybody_reads"] and row["kind"] == "secrets"] == [
        str(elsewhere)
    ]


def test_a_dags_folder_that_is_not_here(own: Any) -> None:
    _, gaps = inside.sources(own())
    assert [gap.path for gap in gaps] == ["dag-file/"]
    _, gaps = inside.sources(own({("core", "dags_folder"): "/nowhere"}))
    assert [gap.path for gap in gaps] == ["dag-file/"]


def test_own_packages() -> None:
    assert "apache-airflow-core" in inside.packages()


def test_vulnerable_packages_and_old_advisories(
    deployment: Any, look_at: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = {"apache-airflow": "2.2.0", "apache-airflow-core": "3.3.2", "apache-airflow-x": "?"}
    monkeypatch.setattr(inside, "packages", lambda: installed)

    look = look_at(here=True, own=deployment[1])

    told = {key for key in found(look) if key[0].startswith("package-with")}
    assert len(told) > 10
    assert all(one.startswith("package/apache-airflow/CVE-") for _, one in told)
    assert {rule for rule, _ in told} >= {
        "package-with-high-advisory",
        "package-with-medium-advisory",
    }
    assert "package/apache-airflow-x/" in {gap.path for gap in look.outcome.gaps}
    assert look.advisory_date
    assert look.scan_key.advisories
    assert any("days old" in warning for warning in look.warnings)


def test_what_goes_away_or_may_not_be_listed(
    deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, own = deployment
    plain = inside.os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(inside.os, "scandir", refusing)
    (home / "dags" / "gone.py").symlink_to(home / "nowhere.py")
    _, gaps = inside.sources(own)
    assert {(gap.path, gap.reason.value) for gap in gaps} == {
        ("dag-file/inner/", "forbidden"),
        ("dag-file/gone.py/", "forbidden"),
    }
    _, gaps = inside.file_rows(own, simple=True)
    assert {gap.path for gap in gaps} == {f"file/{home}/dags/inner/"}
