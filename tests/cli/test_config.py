"""`compline config`, and how every command meets a configuration that is wrong or missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from compline import __version__
from compline.cli.main import app

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its way there; Typer brings its own copy of click, hence Any."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = list(commands(typer.main.get_command(app)))


def schema() -> Any:
    return json.loads(RUNNER.invoke(app, ["config", "schema"]).stdout)


def examples() -> list[Any]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    return [value for value in map(yaml.safe_load, blocks) if "organisation" in value]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(p) or "compline" for p, _ in ALL])
def test_every_command_says_what_it_does(path: tuple[str, ...], command: Any) -> None:
    assert (command.help or "").strip()
    done = RUNNER.invoke(app, [*path, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_there_are_the_promised_commands() -> None:
    top = {path[0] for path, _ in ALL if path}
    assert top == {
        "scan", "findings", "coverage", "targets", "tools", "config", "alerts", "demo", "db",
        "version", "accept-drop", "waive", "part", "import", "explain", "diff", "replay",
        "evidence", "health", "graph", "gate",
    }  # fmt: skip


def test_the_schema_is_one_and_takes_the_readmes_example() -> None:
    Draft202012Validator.check_schema(schema())
    assert examples()
    for example in examples():
        Draft202012Validator(schema()).validate(example)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"organisation": "a", "targts": {}},
        {"organisation": "a", "execution": {"fail_at": "grave"}},
        {"organisation": "a", "targets": {"repositories": [{"url": "https://x"}]}},
    ],
)
def test_the_schema_refuses_mistakes(wrong: Any) -> None:
    assert list(Draft202012Validator(schema()).iter_errors(wrong))


def test_check(site: Any) -> None:
    done = site.run("config", "check")
    assert done.exit_code == 0
    assert "is valid: 2 targets, 1 schedules" in done.stdout


BAD = """organisation: acme
targets:
  repositories:
    - name: web
      url: https://git.example.org/web
      brnch: main
alerts:
  channels:
    - {name: pager, url: "slack://hunter2-literal"}
"""


@pytest.mark.parametrize(
    "arguments", [["config", "check"], ["scan"], ["findings"], ["coverage"], ["targets"],
                  ["tools", "list"], ["alerts", "list"], ["db", "upgrade"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_configuration(site: Any, arguments: list[str]) -> None:
    site.config.write_text(BAD, encoding="utf-8")
    done = site.run(*arguments)
    assert done.exit_code == 2
    assert f"{site.config}:6:" in done.stderr
    assert "did you mean 'branch'?" in done.stderr
    assert f"{site.config}:9:" in done.stderr
    assert "hunter2" not in done.output, "a literal secret is refused, and not repeated"


def test_a_policy_that_no_scanner_understands_is_a_mistake_with_its_line(site: Any) -> None:
    site.config.write_text(
        """organisation: acme
targets:
  data_stores:
    - name: warehouse
      kind: postgresql
      url: env:WAREHOUSE_URL
      policy: {superuser: [postgres]}
    - {name: b, kind: inventory, path: b.csv, suite: nothing.yaml}
  model_registries:
    - name: models
      kind: mlflow
      url: https://mlflow.example.org
      policy: {admns: [me]}
""",
        encoding="utf-8",
    )
    done = site.run("config", "check")
    assert done.exit_code == 2
    assert f"{site.config}:7: targets.data_stores.0.policy: policy: there is no key" in done.stderr
    assert "did you mean 'superusers'?" in done.stderr
    assert f"{site.config}:8: targets.data_stores.1.suite: " in done.stderr
    assert f"{site.config}:13: targets.model_registries.0.policy: " in done.stderr


def test_what_is_not_on_this_machine_is_told(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "x")
    monkeypatch.delenv("UNSET", raising=False)
    site.config.write_text(
        """organisation: acme
advisories: {osv: onlin}
targets:
  repositories:
    - {name: web, url: "https://h/web", credential: env:UNSET}
    - {name: api, url: "https://h/api", credential: env:SET}
    - {name: lib, url: "https://h/lib", credential: "airflow:git"}
  images:
    - {name: i, archive: i.tar}
scanners: {semgrep: {rules: [rules/]}}
""",
        encoding="utf-8",
    )
    done = site.run("config", "check")
    assert done.exit_code == 0
    assert "is valid: 4 targets" in done.stdout
    notes = [line.removeprefix(f"note: {site.config}:") for line in done.stderr.splitlines()]
    assert [note.split(": ")[0:2] for note in notes] == [
        ["9", "targets.images.0.archive"],
        ["10", "scanners.semgrep.rules.0"],
        ["2", "advisories.osv"],
        ["5", "targets.repositories.0.credential"],
    ]
    assert notes[-1].endswith("the environment variable UNSET is not set here")


def test_a_configuration_that_is_not_there(site: Any) -> None:
    site.config.unlink()
    done = site.run("scan")
    assert done.exit_code == 2
    assert f"{site.config}:1:" in done.stderr
    assert "cannot be read" in done.stderr


def test_nothing_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMPLINE_CONFIG", raising=False)
    done = RUNNER.invoke(app, ["findings"])
    assert done.exit_code == 2
    assert "There is no compline.yaml here" in done.stderr
    assert "compline demo build" in done.stderr


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMPLINE_CONFIG", raising=False)
    assert "compline.yaml" in RUNNER.invoke(app, ["demo", "build"]).stdout
    assert RUNNER.invoke(app, ["config", "check"]).exit_code == 0
    assert "claims-portal, fraud-model" in RUNNER.invoke(app, ["demo", "advance"]).stdout
    assert "nothing to move" in RUNNER.invoke(app, ["demo", "advance"]).stdout
    assert RUNNER.invoke(app, ["demo", "reset"]).exit_code == 0
    assert RUNNER.invoke(app, ["config", "check"]).exit_code == 2


def test_the_demo_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a demo, already in its second night, must not come of advancing nothing."""
    monkeypatch.chdir(tmp_path)
    done = RUNNER.invoke(app, ["demo", "advance"])
    assert done.exit_code == 2
    assert "compline demo build" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "there is no demo" in RUNNER.invoke(app, ["demo", "reset"]).stdout


CRASH = """
import compline.config.loader as loader
from compline.cli.main import app
def crash(*_a, **_k):
    raise ZeroDivisionError("unforeseen")
loader.load_config = crash
app(["scan", "--config", "x"])
"""


def test_a_crash_is_not_taken_for_findings() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "ZeroDivisionError: unforeseen" in done.stderr


def test_as_a_program() -> None:
    """The installed way in, without Typer's test runner."""
    done = subprocess.run(
        [sys.executable, "-m", "compline.cli", "version"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "include")},
    )
    assert done.stdout == f"{__version__}\n"
