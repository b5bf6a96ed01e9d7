"""What has to be said twice (for speed, or for readers) is the same in both places."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import typer

from compline.cli.main import app
from compline.config.schema import Config
from compline.model import Severity
from compline.scanners import registry
from compline_airflow import dagspec

ROOT = Path(__file__).parents[2]


def test_dagspec_names_the_registry() -> None:
    assert registry.names() == dagspec.SCANNERS
    assert set(dagspec.SEVERITIES) == set(Severity) - {Severity.UNKNOWN}


def test_help_says_of_each_command_what_it_says_itself() -> None:
    group: Any = typer.main.get_command(app)
    outlined = {name: command.help for name, command in group.commands.items()}
    assert len(outlined) > 20
    for name, told in outlined.items():
        loaded = group.load(name)
        assert loaded.name == name
        assert " ".join(loaded.help.split("\n\n")[0].split()) == told


def test_help_imports_nothing_that_takes_long() -> None:
    program = """
import sys
from typer.testing import CliRunner
from compline.cli.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
print(*(m for m in ("pydantic", "yaml", "sqlalchemy", "pandas", "apprise") if m in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []


def test_every_scanner_loads_and_is_named_as_registered() -> None:
    for name in registry.names():
        scanner = registry.load(name)
        assert scanner.name == name
        assert scanner.kinds == registry.kinds(name)


def test_every_scanner_has_a_section_in_the_configuration() -> None:
    scanners = Config(organisation="test").scanners
    for name in registry.names():
        assert scanners.of(name).enabled is True


def test_every_scanner_has_golden_reports() -> None:
    for name in registry.names():
        folder = ROOT / "tests" / "scanners" / name.replace("-", "_")
        golden = [path for path in folder.glob("golden/*") if path.is_file()]
        assert golden, f"{folder}/golden holds no recorded report"
