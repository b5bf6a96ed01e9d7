"""Trivy's recorded reports, read whole.

`golden/` holds what trivy 0.76.0 said of a small tree below a directory `tree`, in a scan and,
given the list of its packages, of the bundled database; descriptions and links taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from compline.model import FindingKind, Observation, Severity
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.batch import Unit
from compline.scanners.trivy.canary import canary_secret
from compline.scanners.trivy.licences import LicencePolicy
from compline.scanners.trivy.packages import (
    ListedPackage,
    advisory,
    cyclonedx,
    dump_known,
    least_fix,
    load_known,
    packages_of,
    vulnerabilities_of,
)
from compline.scanners.trivy.tree_reader import TreeReader

GOLDEN = Path(__file__).parent / "golden"
KEY = SecretKey(b"k" * 32)
POD = """\
{{- if .Values.enabled }}
{{- range $i, $e := until 2 }}
---
apiVersion: v1
kind: Pod
metadata:
  name: shop{{ $i }}
  namespace: shop
spec:
  containers:
  - name: shop
    image: shop:1
    securityContext:
      privileged: true
{{- end }}
{{- end }}
"""
FILES = {
    "Dockerfile": "FROM debian:latest\n# trivy:ignore:DS-0002\nUSER root\n"
    "ENV API_KEY=not-a-real-one\n",
    "main.tf": 'resource "aws_s3_bucket" "models" {\n  bucket = "models"\n}\n',
    "settings.py": f'DEBUG = True\nTOKEN = "{canary_secret()}"  # for the tests\n',
    "requirements.txt": "flask==2.0.0\n",
    "chart/templates/pod.yaml": POD,
    "package-lock.json": "{}",
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((GOLDEN / "fs.json").read_text())
    return value


@pytest.fixture
def read(report: dict[str, Any], repository: Any, tmp_path: Path) -> Any:
    """What the reader makes of the report, with the tree's files in place."""
    unit = Unit(repository(FILES).snapshot, repository(FILES).snapshot.entries, tag="tree")
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    results = [
        {**result, "Target": result["Target"].removeprefix("tree").removeprefix("/")}
        for result in report["Results"]
    ]
    reader = TreeReader("trivy", KEY, LicencePolicy(["AGPL-3.0"]))
    return reader(unit, tmp_path, results, {"Dockerfile": FILES["Dockerfile"]})


def plain(observation: Observation) -> dict[str, Any]:
    place = observation.place
    return {
        "kind": observation.kind,
        "rule": observation.rule,
        "severity": observation.severity,
        "path": place.path,
        "lines": [place.line, place.end_line],
        "symbol": place.symbol,
        "title": observation.title,
        "subject": observation.subject,
        "fingerprints": [list(pair) for pair in observation.fingerprints],
        "suppression": observation.suppression,
        "cwe": list(observation.cwe),
    }


def test_the_recorded_report_whole(read: Any) -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert [plain(each) for each in read.observations] == expected["observations"]
    assert [
        [each.type, each.name, each.version, each.purl, each.path, each.line, each.dev]
        for each in read.packages
    ] == expected["packages"]
    assert list(read.evidence) == expected["evidence"]


def by_rule(read: Any, rule: str) -> list[Observation]:
    return [each for each in read.observations if each.rule == rule]


def test_helm_reports_lines_of_what_it_renders(read: Any, report: dict[str, Any]) -> None:
    """They are none of the template's, where the two pods are one defect."""
    entries = [
        entry for result in report["Results"] for entry in result.get("Misconfigurations", ())
    ]
    rendered = [
        entry["CauseMetadata"]["StartLine"] for entry in entries if entry["ID"] == "KSV-0017"
    ]
    assert rendered == [9, 9]
    assert POD.split("\n")[8] == "spec:"
    (privileged,) = by_rule(read, "KSV-0017")
    assert (privileged.place.path, privileged.place.line) == ("chart/templates/pod.yaml", None)
    assert privileged.fingerprints


def test_a_file_that_is_reported_without_its_suffix_is_found(
    repository: Any, tmp_path: Path
) -> None:
    files = {"roles/x/tasks/main.yml": "- a:\n"}
    (tmp_path / "roles/x/tasks").mkdir(parents=True)
    (tmp_path / "roles/x/tasks/main.yml").write_text("- a:\n")
    unit = Unit(repository(files).snapshot, repository(files).snapshot.entries)
    entry = {"ID": "AWS-1", "Status": "FAIL", "CauseMetadata": {"StartLine": 1, "EndLine": 1}}
    result = {"Target": "roles/x/tasks/main", "Class": "config", "Misconfigurations": [entry]}
    reader = TreeReader("trivy", KEY, LicencePolicy([]))
    (found,) = reader(unit, tmp_path, [result], {}).observations
    assert (found.place.path, found.place.line) == ("roles/x/tasks/main.yml", 1)
    assert found.place.blob == unit.entries[0].oid


def test_neither_code_nor_messages_nor_secrets_are_kept(read: Any) -> None:
    kept = repr(read.observations) + json.dumps(read.evidence)
    assert canary_secret() not in kept
    assert "not-a-real-one" not in kept
    assert "****" not in kept


def test_code_that_holds_a_secret_is_hashed_with_the_key(read: Any) -> None:
    (found,) = by_rule(read, "DS-0031")
    assert [version for version, _ in found.fingerprints] == [f"keyed/1:{KEY.id}"]


def test_an_ignore_comment_is_noted(read: Any) -> None:
    (root,) = by_rule(read, "DS-0002")
    assert (root.place.line, root.suppression) == (3, "trivy:ignore:DS-0002")


def test_a_secret_is_known_by_a_keyed_hash_of_it(read: Any) -> None:
    (found,) = (each for each in read.observations if each.kind is FindingKind.SECRET)
    assert found.subject == KEY.subject(canary_secret().encode())
    assert (found.place.path, found.place.line) == ("settings.py", 2)


def test_a_forbidden_licence_stands_at_the_package(read: Any) -> None:
    (found,) = (each for each in read.observations if each.kind is FindingKind.LICENSE)
    assert found.subject == "npm:left:AGPL-3.0-or-later"
    assert found.place.path == "package-lock.json"
    assert found.place.line


def test_the_recorded_matches_whole() -> None:
    report = json.loads((GOLDEN / "sbom.json").read_text())
    found = vulnerabilities_of(report)
    assert {name: [each.id for each in known] for name, known in found.items()} == {
        "npm pkg:npm/lodash@4.17.10": ["CVE-2019-10744"],
        "pip pkg:pypi/flask@2.0.0": ["CVE-2023-30861"],
        "canary pip pkg:pypi/accesscontrol@4.0": ["CVE-2021-32807", "CVE-2021-32811"],
    }
    lodash = tuple(found["npm pkg:npm/lodash@4.17.10"])
    assert load_known(dump_known(lodash)) == lodash
    package = ListedPackage(
        "npm", "lodash", "4.17.10", "pkg:npm/lodash@4.17.10", "package-lock.json", 9, 12, dev=True
    )
    observation = advisory("trivy", package, lodash[0], "b" * 40)
    assert observation.severity is Severity.CRITICAL
    assert observation.subject == "npm:lodash"
    assert observation.package is not None
    assert observation.package.fixed_version == "4.17.12"
    assert (observation.place.line, observation.place.blob) == (9, "b" * 40)
    assert dict(observation.details)["scope"] == "development"


def test_ids_that_stand_for_several_advisories_join_nothing() -> None:
    entry = {
        "VulnerabilityID": "CVE-2023-38545",
        "VendorIDs": ["DSA-5523-1", "GHSA-7xw9-w465-6x62"],
        "PkgIdentifier": {"BOMRef": "x"},
    }
    (found,) = vulnerabilities_of({"Results": [{"Vulnerabilities": [entry]}]})["x"]
    assert found.aliases == ("CVE-2023-38545", "GHSA-7xw9-w465-6x62")
    assert found.severity is Severity.UNKNOWN


@pytest.mark.parametrize(
    ("installed", "fixed", "least"),
    [
        ("1.0", "2.3.2, 2.2.5", "2.2.5"),
        ("2.3.0", "2.3.2, 2.2.5", "2.3.2"),
        ("3.0", "2.3.2, 2.2.5", ""),
        ("1.0", "", ""),
        ("1.0-alpha.beta", "1.0.0-rc.x, 2.0.0", "1.0.0-rc.x"),
        ("7.88.1-10", "7.88.1-10+deb12u4", "7.88.1-10+deb12u4"),
    ],
)
def test_the_least_fix(installed: str, fixed: str, least: str) -> None:
    assert least_fix(installed, fixed) == least


def packages(report: dict[str, Any]) -> list[ListedPackage]:
    return [each for result in report["Results"] for each in packages_of(result, result["Target"])]


def test_the_document_is_the_same_for_the_same_packages(report: dict[str, Any]) -> None:
    listed = packages(report)
    document = cyclonedx(listed, "0.76.0")
    assert cyclonedx(reversed(listed), "0.76.0") == document
    libraries = [each for each in document["components"] if each["type"] == "library"]
    assert {each["purl"] for each in libraries} == {each.purl for each in listed}


def test_the_document_is_valid_cyclonedx(report: dict[str, Any], tools: Any) -> None:
    home = tools("pip-audit").get("pip-audit").home
    (schemas,) = home.glob("lib/python*/site-packages/cyclonedx/schema/_res")

    def resources() -> Iterator[tuple[str, Resource[Any]]]:
        for path in schemas.glob("*.schema.json"):
            value = json.loads(path.read_text())
            resource = Resource.from_contents(value)
            yield str(value["$id"]), resource
            yield f"http://cyclonedx.org/schema/{path.name}", resource

    registry: Registry[Any] = Registry().with_resources(resources())
    schema = json.loads((schemas / "bom-1.6.SNAPSHOT.schema.json").read_text())
    document = cyclonedx(packages(report), "0.76.0")
    assert list(Draft7Validator(schema, registry=registry).iter_errors(document)) == []
    document["components"][0]["type"] = "no such type"
    assert list(Draft7Validator(schema, registry=registry).iter_errors(document)) != []
