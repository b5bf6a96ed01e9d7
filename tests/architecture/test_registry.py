"""What has to be said twice (for speed, or for readers) is the same in both places."""

from pathlib import Path

from compline.config.schema import Config
from compline.model import Severity
from compline.scanners import registry
from compline_airflow import dagspec

ROOT = Path(__file__).parents[2]


def test_dagspec_names_the_registry() -> None:
    assert registry.names() == dagspec.SCANNERS
    assert set(dagspec.SEVERITIES) == set(Severity) - {Severity.UNKNOWN}


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
