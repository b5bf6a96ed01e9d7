"""The page on endpoints has every check with its severity, and its example is valid."""

from __future__ import annotations

import re
from pathlib import Path

from compline.config.loader import parse_config
from compline.pipeline.foresee import wrong_policies
from compline.scanners.endpoints.dynamic.checks import CHECKS
from compline.scanners.expectations.suite_file import built_in

PAGE = "docs/checks/endpoints.md"


def test_every_check_is_in_the_table(guides: dict[str, str]) -> None:
    table = guides[PAGE].split("## What is checked")[1].split("\n## ")[0]
    told = {}
    for rules, severities in re.findall(r"^\| (`.*?) \| (.*?) \|", table, re.MULTILINE):
        names = re.findall(r"`([a-z-]+)`", rules)
        each = re.sub(r", confidence \w+", "", severities).split(", ")
        assert len(each) in (1, len(names)), rules
        told |= dict(zip(names, each * (len(names) if len(each) == 1 else 1), strict=True))

    suite = built_in("endpoint")
    real = {each.id: each.severity.value for each in suite.expectations}
    real |= {name.replace("_", "-"): check.severity.value for name, check in CHECKS.items()}
    assert told == real
    assert all(name in guides[PAGE] for name in suite.parameters)


def test_the_example_is_valid(guides: dict[str, str]) -> None:
    example = re.findall(r"```yaml\n(.*?)```", guides[PAGE], re.DOTALL)[0]
    config = parse_config(example, Path("compline.yaml"))
    assert [each.name for each in config.targets.endpoints] == ["assistant", "scoring"]
    assert list(wrong_policies(config)) == []
