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
            "6: targets.images.0.name: two targets are named 'x'",
        ),
        (
            (
                "organisation: a\nalerts:\n  channels:\n    - {name: c, url: env:A}\n"
                "    - {name: c, url: env:B}\n"
            ),
            "5: alerts.channels.1.name: there is a channel 'c' already",
        ),
        (
            "organisation: a\nalerts:\n  channels: [{name: console, url: env:A}]\n",
            "3: alerts.channels.0.name: there is a channel 'console' already",
        ),
        (
            (
                "organisation: a\ntargets:\n  images: [{name: web, reference: h/x}]\n"
                "schedules:\n  n:\n    targets:\n      - wbe\n"
            ),
            "7: schedules.n.targets.0: no target is named 'wbe'; did you mean 'web'?",
        ),
        (
            "organisation: a\nschedules:\n  adhoc: {}\n",
            "3: schedules.adhoc: the DAG compliance_adhoc is another one",
        ),
        (
            "organisation: a\nschedules:\n  n: {cron: 99 2 * * *}\n",
            "3: schedules.n.cron: '99' is not a minute",
        ),
        (
            "organisation: a\nschedules:\n  n: {timezone: Mars/Base}\n",
            "3: schedules.n.timezone: there is no time zone 'Mars/Base'",
        ),
        ("organisation: a\nb: &b [*b]\n", "1: not valid YAML: nested too deeply, or an alias"),
        (f"organisation: {'[' * 5000}\n", "1: not valid YAML: nested too deeply"),
        ("organisation: a\nstore: \0\n", "2: not valid YAML: unacceptable character #x0000"),
        (
            "organisation: a\nlimits: &l {files: 1}\nignore: {<<: *l}\n",
            "3: not valid YAML: merge keys (<<) are not read",
        ),
        ("organisation: a\ntargets:\n", "2: targets: found nothing, expected: a mapping"),
        (
            "organisation: a\nadvisories: {osv: 5}\n",
            "2: advisories.osv: found 5, expected: 'online' or 'bundled' or a path",
        ),
        (
            "organisation: a\nadvisories: {osv_date: yesterday}\n",
            "2: advisories.osv_date: found 'yesterday', expected an ISO date",
        ),
        (
            "organisation: 2026-01-31\n",
            "1: organisation: found a date, expected: text (in quotes",
        ),
    ],
)
def test_a_mistake_names_its_line(text: str, expected: str) -> None:
    found = mistakes(text)
    assert len(found) == 1
    assert found[0].startswith(f"/etc/compline.yaml:{expected}"), found


@pytest.mark.parametrize(
    "url",
    ["web", "", "--upload-pack=x", "ext::sh -c id", "git@h:web.git", "ftp://h/web", "/srv/web"],
)
def test_a_repository_has_an_address_that_can_be_fetched(url: str) -> None:
    text = f"organisation: a\ntargets:\n  repositories: [{{name: x, url: '{url}'}}]\n"
    [found] = mistakes(text)
    assert "3: targets.repositories.0.url: expected a URL that begins with https://" in found
    assert "ssh://user@host/path" in found


@pytest.mark.parametrize("url", ["https://h/x", "http://h:8/x", "ssh://git@h/x", "file:///srv/x"])
def test_addresses(url: str) -> None:
    text = f"organisation: a\ntargets:\n  repositories: [{{name: x, url: '{url}'}}]\n"
    assert parse_config(text, Path("c.yaml")).targets.repositories[0].url == url


@pytest.mark.parametrize("branch", ["--all", "a b", "a..b:c", "^main"])
def test_a_branch_is_a_branch(branch: str) -> None:
    entry = f"{{name: x, url: 'https://h/x', branch: '{branch}'}}"
    text = f"organisation: a\ntargets:\n  repositories: [{entry}]\n"
    text = f"organisation: a\ntargets:\n  repositories: [{entry}]\n"
    [found] = mistakes(text)
    assert "targets.repositories.0.branch: " in found


def test_an_unquoted_date_is_one() -> None:
    config = parse_config("organisation: a\nadvisories: {osv_date: 2026-01-31}\n", Path("c"))
    assert config.advisories.osv_date == "2026-01-31"


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
        "organisation: a\ntargets:\n  repositories: [{name: x, url: 'u:hunter2@h:x'}]\n",
        "organisation: a\ntargets:\n  repositories: [{name: x, url: 'https://h/x?t=hunter2'}]\n",
        "organisation: a\ntargets:\n  images: [{name: x, reference: 'u:hunter2@h/x'}]\n",
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


def test_an_address_in_a_wrong_place_is_shown_without_its_password() -> None:
    [found] = mistakes("organisation: a\ntargets: {repositories: ['https://u:hunter2@h/x']}\n")
    assert "found 'https://***@h/x', expected: a mapping" in found


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
