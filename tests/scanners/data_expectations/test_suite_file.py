"""Suites in YAML: the built-in ones are sound, and a mistake names its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.scanners.expectations.suite_file import SuiteError, built_in, load

WHOLE = """\
parameters:
  owners: {type: list, default: [], about: teams}
expectations:
  - id: strange-owner
    frame: inventory
    expect: ExpectColumnValuesToBeInSet
    kwargs: {column: owner, value_set: $owners}
    severity: low
    title: "{resource} belongs to {owner}"
    remediation: Ask.
    resource: resource/{resource}
    canary: {resource: x, owner: nobody}
"""


def suite_error(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError) as caught:
        load(path)
    return str(caught.value).removeprefix(str(tmp_path))


@pytest.mark.parametrize("name", ["postgresql", "inventory", "s3", "gcs", "azure-blob"])
def test_the_built_in_suites_read_what_they_name(name: str) -> None:
    suite = built_in(name)

    assert len(suite.expectations) >= 8
    for expectation in suite.expectations:
        assert expectation.cwe, expectation.id
        assert expectation.remediation.endswith("."), expectation.id
        assert expectation.columns, expectation.id


def test_what_is_extended_may_be_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("extends: s3\nwithout: [no-access-log]\n")

    left = {expectation.id for expectation in load(path).expectations}
    assert {e.id for e in built_in("s3").expectations} - left == {"no-access-log"}

    assert suite_error(tmp_path, "extends: s3\nwithout:\n  - no-acess-log\n") == (
        "/own.yaml:3: s3 has no no-acess-log; did you mean 'no-access-log'?"
    )


def test_a_suite_that_asks_nothing(tmp_path: Path) -> None:
    assert "has `expectations:`, or extends one" in suite_error(tmp_path, "parameters: {}\n")


def test_a_whole_suite(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(WHOLE)

    (expectation,) = load(path).expectations

    assert expectation.parameters == {"owners"}
    assert expectation.columns == {"resource", "owner"}


def test_a_suite_may_extend_a_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"extends: inventory\n{WHOLE}")

    suite = load(path)

    assert [e.id for e in suite.expectations] == [
        *(e.id for e in built_in("inventory").expectations),
        "strange-owner",
    ]
    assert {"owners", "minimum_rows"} <= set(suite.parameters)
    assert suite.digest != built_in("inventory").digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("severity: low", "severty: low", "own.yaml:8: expectations.0.severty: there is no such"),
        ("severity: low", "severty: low", "did you mean 'severity'?"),
        ("severity: low", "severity: grave", "own.yaml:8: expectations.0.severity: Input should"),
        ("id: strange-owner", "id: Strange Owner", "own.yaml:4: expectations.0.id: String should"),
        ("    frame: inventory\n", "", "own.yaml:4: expectations.0.frame: Field required"),
        ("$owners", "$ownres", "own.yaml:4: strange-owner uses $ownres"),
        ("$owners", "$ownres", "did you mean 'owners'?"),
        ("type: list", "type: lots", "own.yaml:2: parameters.owners.type: Input should be"),
        ("{resource: x, owner: nobody}", "{owner: nobody}", "its canary row has no resource"),
        ("frame: inventory", "frame: a\n    frame: b", "own.yaml:6: 'frame' is a second key"),
        ("expectations:", "frames: []\nexpectations:", "own.yaml:3: frames: Input should be"),
        ("remediation: Ask.", "remediation: [", "own.yaml:11: not YAML"),
        ("title:", "cwe: [79]\n    title:", "own.yaml:9: expectations.0.cwe.0"),
        ("expect: Expect", "expect: os.Expect", "expectations.0.expect: String should match"),
        ("parameters:", "extends: oracle\nparameters:", "no built-in suite 'oracle'; there are"),
        ("parameters:", "a: &x 1\nb: *x\nparameters:", "aliases"),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    assert message in suite_error(tmp_path, WHOLE.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "[]", "expectations: []", "just text", "\t- {"])
def test_a_file_that_is_no_suite(tmp_path: Path, text: str) -> None:
    assert suite_error(tmp_path, text).startswith("/own.yaml:")


def test_the_same_id_for_the_same_resource_twice(tmp_path: Path) -> None:
    again = WHOLE + WHOLE[WHOLE.index("  - id") :]

    assert "two expectations with id 'strange-owner'" in suite_error(tmp_path, again)


def test_an_id_of_the_extended_suite_is_taken(tmp_path: Path) -> None:
    text = f"extends: inventory\n{WHOLE.replace('strange-owner', 'no-owner')}"

    assert "one of them in inventory, which is extended" in suite_error(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot be read"):
        load(tmp_path / "gone.yaml")
