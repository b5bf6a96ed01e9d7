"""SARIF as the standard has it: what many tools write, in the smallest documents that show it."""

from __future__ import annotations

from typing import Any

import pytest

from compline.model import Confidence, FindingKind, GapReason, Observation, Severity
from compline.scanners.imports import formats
from compline.scanners.imports.report import Broken, Reading, Settings, WrongFile
from compline.scanners.imports.sources import Sources
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.licences import LicencePolicy

SETTINGS = Settings(SecretKey(b"k" * 32), LicencePolicy([]))
PLACE = {
    "physicalLocation": {
        "artifactLocation": {"uri": "src/a.py"},
        "region": {"startLine": 3, "startColumn": 5, "endColumn": 9},
    }
}
RESULT = {"ruleId": "R1", "message": {"text": "eval(x) is bad"}, "locations": [PLACE]}


def sarif(*results: Any, tool: Any = None, **more: Any) -> dict[str, Any]:
    driver = {"name": "Tool X", **(tool or {})}
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(results), **more}],
    }


def read(document: Any, settings: Settings = SETTINGS) -> Reading:
    (reading,) = formats.reader("sarif")(
        formats.prepared("sarif", document), Sources(None), settings
    )
    return reading


def one(document: Any) -> Observation:
    (observation,) = read(document).observations
    return observation


def with_rule(rule: Any, result: Any = None, **more: Any) -> Observation:
    return one(sarif({**RESULT, **(result or {})}, tool={"rules": [{"id": "R1", **rule}]}, **more))


def test_the_least_that_a_result_may_be() -> None:
    found = one(sarif({"ruleId": "R1", "message": {"text": "x"}}))
    assert (found.scanner, found.rule, found.kind) == (
        "import:sarif:tool-x",
        "R1",
        FindingKind.CODE,
    )
    assert (found.severity, found.place.path, found.place.line) == (Severity.MEDIUM, "", None)


def test_a_message_is_never_kept() -> None:
    assert "eval" not in repr(read(sarif(RESULT)))
    kept = formats.kept("sarif", formats.prepared("sarif", sarif(RESULT)), {})
    assert "eval" not in repr(kept)


def test_where() -> None:
    place = one(sarif(RESULT)).place
    assert (place.path, place.line, place.end_line, place.column, place.end_column) == (
        "src/a.py",
        3,
        3,
        5,
        9,
    )


@pytest.mark.parametrize(
    ("rule", "result", "severity"),
    [
        ({}, {"level": "error"}, Severity.HIGH),
        ({}, {"level": "note"}, Severity.LOW),
        ({}, {"level": "none"}, Severity.INFO),
        ({"defaultConfiguration": {"level": "error"}}, {}, Severity.HIGH),
        ({"properties": {"security-severity": "9.1"}}, {"level": "note"}, Severity.CRITICAL),
        ({"properties": {"security-severity": "7.0"}}, {}, Severity.HIGH),
        ({"properties": {"security-severity": "0.0"}}, {}, Severity.UNKNOWN),
        ({"properties": {"security-severity": "nonsense"}}, {"level": "error"}, Severity.HIGH),
        ({}, {"properties": {"security-severity": "4.2"}}, Severity.MEDIUM),
    ],
)
def test_severity(rule: Any, result: Any, severity: Severity) -> None:
    assert with_rule(rule, result).severity is severity


@pytest.mark.parametrize(
    ("rule", "result", "cwe"),
    [
        ({"properties": {"tags": ["external/cwe/cwe-022", "security"]}}, {}, ("CWE-22",)),
        ({"properties": {"tags": ["CWE-78: OS Command"]}}, {}, ("CWE-78",)),
        ({"properties": {"cwe": ["CWE-79"]}}, {}, ("CWE-79",)),
        (
            {"relationships": [{"target": {"id": "502", "toolComponent": {"name": "CWE"}}}]},
            {},
            ("CWE-502",),
        ),
        ({}, {"taxa": [{"id": "CWE-20", "toolComponent": {"name": "cwe"}}]}, ("CWE-20",)),
        ({"properties": {"tags": ["owasp-a1"]}}, {}, ()),
    ],
)
def test_cwe(rule: Any, result: Any, cwe: tuple[str, ...]) -> None:
    assert with_rule(rule, result).cwe == cwe


def test_titles_and_references_come_from_the_rule() -> None:
    found = with_rule(
        {
            "shortDescription": {"text": "Use of\neval"},
            "helpUri": "https://rules.example.org/R1",
            "properties": {"precision": "very-high"},
        }
    )
    assert found.title == "Use of eval"
    assert dict(found.details) == {"reference": "https://rules.example.org/R1"}
    assert found.confidence is Confidence.HIGH
    assert with_rule({"helpUri": "javascript:alert(1)"}).details == ()
    assert with_rule({"id": "no-eval_here"}, {"ruleId": "no-eval_here"}).title == "no eval here"


def test_rules_of_extensions_are_found_by_index() -> None:
    document = sarif(
        {"message": {"text": "x"}, "rule": {"index": 0, "toolComponent": {"index": 0}}}
    )
    document["runs"][0]["tool"]["extensions"] = [
        {"name": "pack", "rules": [{"id": "py/x", "shortDescription": {"text": "X"}}]}
    ]
    found = one(document)
    assert (found.rule, found.title) == ("py/x", "X")
    assert read(document).rules == ("py/x",)


def test_a_hierarchical_id_is_described_under_its_first_part() -> None:
    found = with_rule({"shortDescription": {"text": "The rule"}}, {"ruleId": "R1/7"})
    assert (found.rule, found.title) == ("R1/7", "The rule")


def test_files_by_index_and_relative_bases() -> None:
    by_index = {"physicalLocation": {"artifactLocation": {"index": 1}}}
    document = sarif(
        {**RESULT, "locations": [by_index]},
        artifacts=[{"location": {"uri": "x"}}, {"location": {"uri": "b.py", "uriBaseId": "SUB"}}],
        originalUriBaseIds={
            "SUB": {"uri": "service/", "uriBaseId": "ROOT"},
            "ROOT": {"uri": "file:///builds/shop/"},
        },
    )
    assert one(document).place.path == "service/b.py"


@pytest.mark.parametrize(
    "result",
    [{"kind": "pass"}, {"kind": "notApplicable"}, {"baselineState": "absent"}],
)
def test_what_is_no_defect_is_no_finding(result: Any) -> None:
    assert read(sarif({**RESULT, **result})).observations == ()


def test_suppressions_are_recorded_and_not_obeyed() -> None:
    assert one(sarif({**RESULT, "suppressions": [{"kind": "inSource"}]})).suppression == (
        "sarif:inSource"
    )
    rejected = [{"kind": "inSource", "status": "rejected"}]
    assert one(sarif({**RESULT, "suppressions": rejected})).suppression == ""


def test_fingerprints_count_only_if_they_tell_the_results_apart() -> None:
    def results(*values: str) -> list[Any]:
        return [
            {**RESULT, "ruleId": f"R{n}", "partialFingerprints": {"primaryLocationLineHash": value}}
            for n, value in enumerate(values)
        ]

    def told(*values: str) -> set[tuple[str, str]]:
        observations = read(sarif(*results(*values))).observations
        return {pair for each in observations for pair in each.fingerprints}

    digests = [f"{n:016x}:1" for n in (1, 2)]
    name = "sarif:primaryLocationLineHash"
    assert told(*digests) == {(name, digest) for digest in digests}
    assert told(digests[0], digests[0]) == set()
    assert told("requires login") == set()
    assert told("requires login", digests[0]) == set()


def test_secrets_are_hashed_with_the_key_and_dropped() -> None:
    secret = "ghp_" + "x" * 36
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": "a.ini"},
            "region": {"startLine": 1, "snippet": {"text": secret}},
        }
    }
    result = {"ruleId": "github-pat", "message": {"text": secret}, "locations": [place]}
    document = sarif(result, tool={"name": "gitleaks"})
    found = one(document)
    assert found.kind is FindingKind.SECRET
    assert found.subject == SETTINGS.key.subject(secret.encode())  # type: ignore[union-attr]
    assert found.cwe == ("CWE-798",)
    assert secret not in repr(found)
    assert secret not in repr(formats.kept("sarif", formats.prepared("sarif", document), {}))
    with pytest.raises(Broken, match="no key to hash"):
        read(document, Settings(None, LicencePolicy([])))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"results": None}, "its run did not happen"),
        ({"invocations": [{"executionSuccessful": False}]}, "did not succeed"),
        (
            {"externalPropertyFileReferences": {"results": [{"location": {"uri": "x"}}]}},
            "another file",
        ),
        ({"results": [{"message": {"text": "no rule"}}]}, "not whole"),
        ({"results": ["nonsense"]}, "not whole"),
        ({"tool": {}}, "not whole"),
    ],
)
def test_a_run_that_did_not_succeed_is_no_look(more: Any, reason: str) -> None:
    with pytest.raises(Broken, match=reason):
        read({**sarif(), "runs": [_run(more)]})


def _run(more: Any) -> Any:
    return {**sarif()["runs"][0], **more}


def test_a_run_without_results_did_not_happen() -> None:
    document = sarif()
    del document["runs"][0]["results"]
    with pytest.raises(Broken, match="did not happen"):
        read(document)
    with pytest.raises(Broken, match="holds no run"):
        formats.reader("sarif")({"version": "2.1.0", "runs": []}, Sources(None), SETTINGS)


def test_errors_that_the_tool_tells_of_are_gaps() -> None:
    told = {"level": "error", "message": {"text": "x"}, "locations": [PLACE]}
    whole = {"level": "error", "message": {"text": "x"}}
    warning = {"level": "warning", "message": {"text": "x"}}
    reading = read(
        sarif(
            invocations=[
                {
                    "executionSuccessful": True,
                    "toolExecutionNotifications": [told, warning],
                    "toolConfigurationNotifications": [whole],
                }
            ]
        )
    )
    assert [(gap.reason, gap.path) for gap in reading.gaps] == [
        (GapReason.CRASHED, "src/a.py"),
        (GapReason.CRASHED, ""),
    ]


def test_several_tools_in_one_file_are_several_looks() -> None:
    document = sarif(RESULT)
    document["runs"] += sarif(RESULT, tool={"name": "Other"})["runs"]
    document["runs"] += sarif({**RESULT, "ruleId": "R2"})["runs"]
    readings = formats.reader("sarif")(document, Sources(None), SETTINGS)
    assert {each.scanner: len(each.observations) for each in readings} == {
        "import:sarif:tool-x": 2,
        "import:sarif:other": 1,
    }


def test_only_2_1_0_is_read() -> None:
    with pytest.raises(WrongFile, match=r"only 2\.1\.0"):
        read({**sarif(), "version": "2.0.0"})


def test_a_kept_report_reads_the_same_but_for_what_it_quoted() -> None:
    document = formats.prepared("sarif", sarif(RESULT, tool={"rules": [{"id": "R1"}]}))
    kept = formats.kept("sarif", document, {"src/a.py": "src/a.py"})
    (again,) = formats.reader("sarif")(
        kept["document"], Sources(None, known=kept["paths"]), SETTINGS
    )
    assert again == read(document)
