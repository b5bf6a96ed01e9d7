"""The tables of renamed rules: read, checked, and true of the rules beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import parse_config
from compline.config.schema import Config
from compline.scanners import registry
from compline.scanners.bandit.rules import RULES as BANDIT
from compline.scanners.interface import CannotScan
from compline.scanners.renames import RULES, rule_renames, tool_renames
from compline.scanners.semgrep.rules import load_rules, rule_files

CANARY = RULES / "canary" / "semgrep.yaml"


def config(*rules: Path) -> Config:
    text = f"organisation: acme\nscanners:\n  semgrep:\n    rules: {[str(one) for one in rules]}\n"
    return parse_config(text, Path("compline.yaml"))


def test_the_tools_own_lead_to_rules_that_are_there() -> None:
    table = tool_renames().table
    assert {name.removeprefix("import:") for name in table} <= set(registry.names())
    assert table["bandit"]["B303"] == "B324"
    assert set(table["bandit"].values()) <= set(BANDIT)


def test_the_packs_lead_to_rules_that_are_there_from_such_that_are_not() -> None:
    active = set(load_rules(rule_files(("ai", "python"), ()), CANARY).rules)
    for old, new in rule_renames(config()).table.get("semgrep", {}).items():
        assert new in active
        assert old not in active


def test_an_organisations_table_beside_its_rules(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "team.yaml").write_text(
        "rules:\n- {id: new, languages: [python], message: m, severity: INFO, pattern: f(...)}\n"
    )
    (tmp_path / "rules" / "renames.yaml").write_text("older: old\nold: new\n")
    renames = rule_renames(config(tmp_path / "rules"))
    assert renames.table["semgrep"] == {"older": "new", "old": "new"}
    # It is no file of rules.
    assert [path.name for _, path in rule_files((), [tmp_path / "rules"])] == ["team.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b\nb: a\n", "in a circle"),
        ("- a\n", "old-id: new-id"),
        ("a: [b]\n", "old-id: new-id"),
        ("a: {", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_names_its_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "renames.yaml").write_text(text)
    with pytest.raises(CannotScan, match=said) as caught:
        rule_renames(config(tmp_path))
    assert "renames.yaml" in str(caught.value)
