"""The group `models` of the targets: where they lie, and what they have to meet."""

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, parse_config
from compline.pipeline.foresee import not_here
from compline.scanners.registry import tools_for

HEAD = "organisation: a\ntargets:\n  models:\n    - name: fraud\n"


@pytest.mark.parametrize(
    ("rest", "line", "words"),
    [
        ("      url: s3://key:secret@bucket/x\n", 5, "a credential in a URL is refused"),
        ("      url: models\n      layout: flat\n", 6, "layout"),
        ("      url: models\n      credential: AKIA:secret\n", 6, "a literal secret is refused"),
        ("      url: models\n      models:\n        provenance: [who]\n", 7, "provenance"),
        ("      url: models\n      models:\n        artifacts: [gs://x]\n", 7, "artifacts"),
        ("      url: models\n      models: {licenses: [mit]}\n", 6, "licenses"),
    ],
)
def test_a_mistake_names_its_line(rest: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(HEAD + rest, Path("/etc/compline.yaml"))
    (mistake,) = map(str, caught.value.mistakes)
    assert mistake.startswith(f"/etc/compline.yaml:{line}: ")
    assert words in mistake
    assert "AKIA" not in mistake
    assert "key:secret" not in mistake


HUB = """organisation: a
targets:
  model_registries:
    - name: hub
      kind: huggingface
      organisation: acme
      token: env:HUB
      file_hosts:
        - cdn.example:8443
        - "{host}"
"""


@pytest.mark.parametrize(
    "host",
    ["https://cdn.hf.co", "*", "*.co", "*.", "cdn.hf.co/x", "a.*.co", "", "a b", "x:0", "u@x"],
)
def test_a_host_of_files_that_is_none_is_refused_with_its_line(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(HUB.replace("{host}", host), Path("/etc/compline.yaml"))
    (mistake,) = map(str, caught.value.mistakes)
    assert mistake.startswith("/etc/compline.yaml:10: ")
    assert "expected HOST" in mistake


@pytest.mark.parametrize("host", ["*.hf.co", "10.0.0.7", "localhost:8080", "Store.internal"])
def test_hosts_of_files(host: str) -> None:
    config = parse_config(HUB.replace("{host}", host), Path("/etc/compline.yaml"))
    registry = config.targets.model_registries[0].model_dump()
    assert registry["file_hosts"] == ["cdn.example:8443", host.lower()]


def test_folders_and_keys_are_meant_from_the_file_and_missed_if_they_are_not_there() -> None:
    text = HEAD + "      url: models\n      models: {keys: [release.pub]}\n"
    config = parse_config(text, Path("/srv/acme/compline.yaml"))
    assert config.targets.models[0].locator == "/srv/acme/models"
    missing = dict(not_here(config, {}))
    assert missing["targets", "models", 0, "models"] == "/srv/acme/release.pub is not here"


def test_only_the_tools_that_listed_targets_need_are_installed() -> None:
    config = parse_config(HEAD + "      url: models\n", Path("/srv/compline.yaml"))
    assert tools_for(config) == ("modelaudit", "picklescan", "model-signing")
    text = HEAD + "      url: models\nscanners: {modelaudit: {enabled: false}}\n"
    config = parse_config(text, Path("/srv/compline.yaml"))
    assert tools_for(config) == ("picklescan", "model-signing")
    assert tools_for(parse_config("organisation: a\n", Path("/srv/compline.yaml"))) == ()
