"""Targets of the kinds airflow and log: what is taken, and where a mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, load_config, parse_config
from compline.pipeline.foresee import not_here, wrong_policies
from compline.targets.listed import Listed

GOOD = """\
organisation: acme
targets:
  airflow:
    - {name: own, here: true}
    - name: other
      url: https://airflow.example.org
      credential: env:TOKEN
      policy: {admins: [ann]}
  logs:
    - name: service
      files: [/var/log/a.log, "logs/*.log"]
"""


def test_what_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "compline.yaml"
    path.write_text(GOOD)
    config = load_config(path)
    own, other, log = Listed().discover(config)
    assert (own.kind, own.locator) == ("airflow", "this deployment")
    assert (other.locator, other.settings["policy"]) == (
        "https://airflow.example.org", {"admins": ["ann"]},
    )  # fmt: skip
    assert log.settings["files"] == ["/var/log/a.log", str(tmp_path / "logs/*.log")]
    assert list(wrong_policies(config)) == []
    assert [where[-1] for where, _ in not_here(config, {})] == ["credential"]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("here: true", "here: false", 4, "give `url` and `credential`, or `here: true`"),
        ("here: true", "here: true, credential: env:X", 4, "`credential` needs the `url`"),
        ("      credential: env:TOKEN\n", "", 5, "give `url` and `credential`"),
        ("env:TOKEN", "a-literal", 7, "a literal secret is refused"),
        ("https://airflow", "https://u:p@airflow", 6, "a credential in a URL is refused"),
        ("files: [/var/log/a.log, \"logs/*.log\"]", "files: []", 11, "files"),
        ("files:", "paths:", 11, "unknown key; there are access, closes, files"),
    ],
)  # fmt: skip
def test_mistakes_have_their_line(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        parse_config(GOOD.replace(old, new), Path("compline.yaml"))
    assert any(
        text.startswith(f"compline.yaml:{line}:") and message in text
        for text in str(caught.value).splitlines()
    ), caught.value


def test_a_wrong_policy_is_foreseen() -> None:
    config = parse_config(GOOD.replace("admins: [ann]", "admin: [ann]"), Path("compline.yaml"))
    [(where, message)] = wrong_policies(config)
    assert where == ("targets", "airflow", 1, "policy")
    assert "did you mean 'admins'" in message
