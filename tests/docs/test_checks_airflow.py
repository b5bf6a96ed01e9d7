"""The page on Airflow has every check and every word of the policy, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compline.config.loader import parse_config
from compline.scanners.expectations.suite_file import built_in


def test_every_check_is_in_the_table(guides: dict[str, str]) -> None:
    page = guides["docs/checks/airflow.md"]
    table = page.split("## What is checked")[1].split("\n## ")[0]
    told = re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", table, re.MULTILINE)
    suite = built_in("airflow")
    assert told == [(each.id, each.severity.value) for each in suite.expectations]
    for name in suite.parameters:
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("page", ["airflow", "logs"])
def test_the_example_is_valid(guides: dict[str, str], page: str) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", guides[f"docs/checks/{page}.md"], re.DOTALL)
    config = parse_config("organisation: acme\n" + example, Path("compline.yaml"))
    assert config.targets.airflow
