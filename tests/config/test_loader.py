"""Mistakes in compline.yaml are named with their line, and secrets are refused unseen."""

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, load_config, parse_config
from compline.config.schema import Config


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("/etc/compline.yaml"))
    return [str(mistake) for mistake in caught.value.mistakes]


def test_defaults() -> None:
    config = parse_config("organisation: acme\n", Path("/srv/compline.yaml"))
    assert config.workspace == Path("/srv/.compline")
    assert config.schedules["nightly"].cron == "0 2 * * *"
    assert config.alerts.from_severity.value == "high"


def test_relative_paths_are_meant_from_the_file() -> None:
    text = "organisation: a\ntargets:\n  images: [{name: i, archive: images/i.tar}]\n"
    config = parse_config(text, Path("/srv/acme/compline.yaml"))
    assert config.targets.images[0].archive == Path("/srv/acme/images/i.tar")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("organisation: a\nscaners: {}\n", "2: scaners: unknown key; did you mean 'scanners'?"),
        (
            (
                "organisation: a\ntargets:\n  repositories:\n    - name: x\n      url: https://h/x\n"
                "      brnch: main\n"
            ),
            "6: targets.repositories.0.brnch: unknown key; did you mean 'branch'?",
        ),
        ("organisation: a\nlimits:\n  files: many\n", "3: limits.files: found 'many', expected: "),
        (
            "organisation: a\nalerts:\n  from_severity: hihg\n",
            "3: alerts.from_severity: found 'hihg', expected: 'info', ",
        ),
        ("organisation: a\norganisation: b\n", "2: not valid YAML: key 'organisation' is given"),
        ("organisation: [\n", "2: not valid YAML: "),
        ("- a\n", "1: expected a mapping of sections"),
        ("", "1: organisation: is required"),
        (
            "organisation: a\ntargets:\n  images:\n    - name: i\n",
            "4: targets.images.0: give either `archive` or `reference`",
        ),
        (
            (
                "organisation: a\ntargets:\n  repositories:\n    - {name: x, url: https://h/x}\n"
                "  images:\n    - {name: x, reference: h/x}\n"
            ),
            "2: targets: two targets are named 'x'",
        ),
    ],
)
def test_a_mistake_names_its_line(text: str, expected: str) -> None:
    found = mistakes(text)
    assert len(found) == 1
    assert found[0].startswith(f"/etc/compline.yaml:{expected}"), found


def test_the_nearest_value_is_proposed() -> None:
    found = mistakes("organisation: a\nalerts:\n  from_severity: hihg\n")
    assert found[0].endswith("did you mean 'high'?")


@pytest.mark.parametrize(
    "text",
    [
        "organisation: a\nstore: postgresql://u:hunter2@h/d\n",
        "organisation: a\ntargets:\n  repositories: [{name: x, url: 'https://u:hunter2@h/x'}]\n",
        "organisation: a\ntargets:\n  repositories: [{name: x, url: 'https://hunter2@h/x'}]\n",
        (
            "organisation: a\ntargets:\n  repositories:\n"
            "    - {name: x, url: 'https://h/x', credential: hunter2}\n"
        ),
        "organisation: a\nalerts:\n  channels: [{name: c, url: 'slack://hunter2'}]\n",
        (
            "organisation: a\ntargets:\n"
            "  data_stores: [{name: d, kind: postgresql, url: 'postgresql://u:hunter2@h/d'}]\n"
        ),
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(text: str) -> None:
    found = "\n".join(mistakes(text))
    assert "refused" in found
    assert "hunter2" not in found


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes("organisation: ''\nlimits: {files: 0}\nnonsense: 1\n")
    assert [line.split(":")[1] for line in found] == ["1", "2", "3"]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "compline.yaml")


def test_the_json_schema_describes_every_section() -> None:
    schema = Config.model_json_schema(by_alias=True)
    assert set(schema["properties"]) == set(Config.model_fields)
    assert "pip-audit" in schema["$defs"]["Scanners"]["properties"]
