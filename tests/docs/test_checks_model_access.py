"""The page on access logs has every rule and parameter, and its example is valid."""

from __future__ import annotations

import re
from pathlib import Path

from compline.config.loader import parse_config
from compline.config.targets.logs import Access
from compline.scanners.access.findings import RULES


def test_the_page_has_every_rule_and_parameter(guides: dict[str, str]) -> None:
    page = guides["docs/checks/model-access.md"]
    told = set(re.findall(r"^\| `([a-z-]+)` \| (medium|high) \|", page, re.MULTILINE))
    assert told == {
        (rule, severity.value) for rule, (normal, grave, _) in RULES.items()
        for severity in (normal, grave)
    }  # fmt: skip
    assert set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)) == set(Access.model_fields)


def test_the_example_is_valid(guides: dict[str, str]) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", guides["docs/checks/model-access.md"], re.DOTALL)
    config = parse_config("organisation: acme\n" + example, Path("compline.yaml"))
    assert len(config.targets.logs) == 3
