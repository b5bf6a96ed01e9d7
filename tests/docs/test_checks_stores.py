"""The pages on data stores have every rule with its severity, and their examples are valid."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from compline.config.loader import parse_config
from compline.model import Severity
from compline.scanners.expectations.canary import prove_own
from compline.scanners.expectations.collector import folder
from compline.scanners.expectations.policy import bind
from compline.scanners.expectations.suite_file import built_in, load

PAGES = {
    "postgresql.md": ["postgresql"],
    "kafka-redis.md": ["kafka", "redis"],
    "object-stores.md": ["s3", "gcs", "azure-blob"],
    "column-content.md": ["content"],
    "inventory-files.md": ["inventory"],
}
ORDER = [severity.value for severity in sorted(Severity, key=lambda one: one.rank)]


def rows_of(page: str) -> list[tuple[list[str], set[str]]]:
    """(rules or patterns of rules, severities) of each row that begins with a rule."""
    found = []
    for row in re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", page, re.MULTILINE):
        names, told = re.findall(r"`([a-z0-9*-]+)`", row[0]), row[1].strip()
        if not re.fullmatch(r"[a-z, ]+", told) or not set(ORDER) & set(re.findall(r"\w+", told)):
            continue
        if " to " in told:
            low, high = (ORDER.index(word) for word in sorted(told.split(" to "), key=ORDER.index))
            found.append((names, set(ORDER[low : high + 1])))
        else:
            found.append((names, set(told.split(", "))))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_the_page_has_every_rule_and_no_other(guides: dict[str, str], name: str) -> None:
    rows = rows_of(guides[f"docs/checks/{name}"])
    suites = [built_in(kind) for kind in PAGES[name]]
    if name == "object-stores.md":
        suites.append(load(folder("object-stores") / "suite.yaml"))
    rules = {e.id: e.severity.value for suite in suites for e in suite.expectations}

    untold = {
        (rule, severity)
        for rule, severity in rules.items()
        if not any(
            fnmatchcase(rule, pattern) and severity in severities
            for patterns, severities in rows
            for pattern in patterns
        )
    }
    assert untold == set()
    patterns = {pattern for names, _ in rows for pattern in names}
    assert {p for p in patterns if not any(fnmatchcase(rule, p) for rule in rules)} == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_example_is_valid(guides: dict[str, str], name: str) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", guides[f"docs/checks/{name}"], re.DOTALL)
    whole = [text for text in examples if re.search(r"^targets:", text, re.MULTILINE)]

    assert len(whole) == 1
    text = whole[0] if "organisation:" in whole[0] else f"organisation: acme\n{whole[0]}"
    stores = parse_config(text, Path("compline.yaml")).targets.data_stores
    assert stores
    for store in stores:
        settings = store.model_dump(mode="json")
        if settings.get("policy"):
            bound = bind(built_in(settings["kind"]), settings["policy"])
            assert {key for key, value in bound.values.items() if value} >= set(settings["policy"])


def test_the_suite_of_the_page_on_files_holds(guides: dict[str, str], tmp_path: Path) -> None:
    page = guides["docs/checks/inventory-files.md"]
    (own,) = re.findall(r"```yaml\n(extends:.*?)```", page, re.DOTALL)
    path = tmp_path / "own.yaml"
    path.write_text(own)
    suite = load(path)

    assert "personal-data-abroad" in {expectation.id for expectation in suite.expectations}
    assert "personal-data-abroad" not in prove_own(bind(suite, {}))
