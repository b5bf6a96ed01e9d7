"""The README's examples about the lives of findings are what the program takes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import yaml

from compline.config.loader import parse_config
from compline.config.memory import Deadlines, Lifecycle, Risk, WaiverSettings
from compline.config.waivers import load_waivers
from compline.findings.regressions import RegressionKind


def _blocks(guides: dict[str, str]) -> list[str]:
    section = guides["README.md"].split("## Living with findings")[1].split("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)


def test_the_settings_are_valid_and_the_defaults(guides: dict[str, str]) -> None:
    settings = _blocks(guides)[0]
    config = parse_config("organisation: acme\n" + settings, Path("compline.yaml"))
    assert config.lifecycle == Lifecycle()
    assert config.deadlines.days == Deadlines().days
    assert config.risk.exposure == Risk().exposure
    assert config.waivers.longest_days == WaiverSettings().longest_days
    for name, section in yaml.safe_load(settings).items():
        fields = type(getattr(config, name)).model_fields
        if name != "ignore":
            assert set(section) == set(fields), name


def test_the_waivers_are_valid(guides: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(_blocks(guides)[1], encoding="utf-8")
    [(_, entry)] = load_waivers(path, WaiverSettings(), date(2027, 1, 1))
    assert entry.rule == ["B101"]


def test_every_kind_of_regression_is_explained(guides: dict[str, str]) -> None:
    assert [kind for kind in RegressionKind if f"`{kind.value}`" not in guides["README.md"]] == []
