"""Access logs in the configuration: what is taken, and where a mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, parse_config

GOOD = """\
organisation: acme
targets:
  logs:
    - name: proxy
      files: [/var/log/nginx/access.log*]
      format: combined
      access:
        paths: ["/models/{model}/{version}/**"]
        quiet_hours: 22-06
    - {name: registry, files: [/var/log/mlflow.log], format: mlflow}
"""


def test_what_is_taken() -> None:
    proxy, registry = parse_config(GOOD, Path("compline.yaml")).targets.logs
    assert proxy.access is not None
    assert proxy.access.quiet_hours == "22-06"
    assert registry.access is None


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("format: combined", "format: plain", 7, "`access` needs a `format`"),
        ("format: combined", "format: clf", 6, "combined"),
        ('["/models/{model}/{version}/**"]', "[]", 6, "which paths are models"),
        ("/models/{model}/", "/models/", 8, "{model} once"),
        ("/models/{model}/{version}", "/{a}/{model}", 8, "only {model} and {version}"),
        ("/models/", "/**/**/**/", 8, "at most three"),
        ("22-06", "22:00", 9, "quiet_hours"),
        ("quiet_hours: 22-06", "learning_days: 90", 7, "longer than learning_days"),
        ("quiet_hours: 22-06", "timezone: Mars", 9, "Mars"),
    ],
)
def test_mistakes_have_their_line(old: str, new: str, line: int, says: str) -> None:
    text = GOOD.replace(old, new, 1)
    with pytest.raises(ConfigError) as error:
        parse_config(text, Path("compline.yaml"))
    told = str(error.value)
    assert f":{line}:" in told or f"line {line}" in told, told
    assert says in told
