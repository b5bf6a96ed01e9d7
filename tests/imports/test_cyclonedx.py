"""CycloneDX with vulnerabilities, of several versions and makers."""

from __future__ import annotations

from typing import Any

import pytest

from compline.model import Observation, Severity
from compline.scanners.imports import formats
from compline.scanners.imports.report import Broken, Settings, WrongFile
from compline.scanners.imports.sources import Sources
from compline.scanners.trivy.licences import LicencePolicy

JINJA = {"bom-ref": "c1", "name": "Jinja2", "version": "2.0", "purl": "pkg:pypi/Jinja2@2.0"}
VULNERABILITY = {"id": "GHSA-462w-v97r-4m45", "affects": [{"ref": "c1"}]}


def document(*vulnerabilities: Any, **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [JINJA],
        "vulnerabilities": list(vulnerabilities),
        **more,
    }


def read(value: Any) -> Any:
    prepared = formats.prepared("cyclonedx", value)
    (reading,) = formats.reader("cyclonedx")(
        prepared, Sources(None), Settings(None, LicencePolicy([]))
    )
    return reading


def one(value: Any) -> Observation:
    (found,) = read(value).observations
    assert isinstance(found, Observation)
    return found


def test_a_vulnerability_is_about_its_package() -> None:
    found = one(
        document(
            {
                **VULNERABILITY,
                "references": [{"id": "CVE-2019-10906", "source": {"name": "NVD"}}],
                "ratings": [
                    {"severity": "medium"},
                    {"severity": "high", "vector": "CVSS:3.1/AV:N"},
                ],
                "cwes": [138],
            }
        )
    )
    assert (found.rule, found.subject) == ("CVE-2019-10906", "pypi:jinja2")
    assert found.aliases == ("CVE-2019-10906", "GHSA-462w-v97r-4m45")
    assert (found.severity, found.cwe) == (Severity.HIGH, ("CWE-138",))
    assert dict(found.details)["cvss"] == "CVSS:3.1/AV:N"


@pytest.mark.parametrize(
    ("tools", "scanner"),
    [
        ([{"vendor": "x", "name": "Grype", "version": "1"}], "import:cyclonedx:grype"),
        ({"components": [{"name": "trivy", "version": "0.76"}]}, "import:cyclonedx:trivy"),
        (None, "import:cyclonedx"),
    ],
)
def test_the_tool_is_named_in_two_forms(tools: Any, scanner: str) -> None:
    value = document(VULNERABILITY, metadata={"tools": tools} if tools else {})
    reading = read(value)
    assert reading.scanner == scanner
    assert reading.observations[0].scanner == scanner
    kept = formats.kept("cyclonedx", formats.prepared("cyclonedx", value), {})
    (again,) = formats.reader("cyclonedx")(
        kept["document"], Sources(None, known={}), Settings(None, LicencePolicy([]))
    )
    assert again == reading


@pytest.mark.parametrize(
    ("reference", "subject"),
    [
        ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#c1", "pypi:jinja2"),
        ("pkg:npm/%40types/node@1.0", "npm:@types/node"),
    ],
)
def test_references_into_other_documents(reference: str, subject: str) -> None:
    found = one(document({**VULNERABILITY, "affects": [{"ref": reference}]}))
    assert found.subject == subject


def test_places_are_where_the_maker_writes_them() -> None:
    for more in (
        {"properties": [{"name": "aquasecurity:trivy:FilePath", "value": "a/requirements.txt"}]},
        {"evidence": {"occurrences": [{"location": "./a/requirements.txt"}]}},
    ):
        value = document(VULNERABILITY, components=[{**JINJA, **more}])
        assert one(value).place.path == "a/requirements.txt"


def test_nested_components() -> None:
    outer = {"bom-ref": "app", "name": "app", "components": [JINJA]}
    assert one(document(VULNERABILITY, components=[outer])).subject == "pypi:jinja2"


@pytest.mark.parametrize("state", ["not_affected", "false_positive", "resolved"])
def test_what_its_maker_says_is_no_danger_is_recorded_as_suppressed(state: str) -> None:
    found = one(document({**VULNERABILITY, "analysis": {"state": state}}))
    assert found.suppression == f"vex:{state}"
    assert one(document({**VULNERABILITY, "analysis": {"state": "exploitable"}})).suppression == ""


def test_an_inventory_is_no_look() -> None:
    value = document()
    del value["vulnerabilities"]
    with pytest.raises(WrongFile, match="is an inventory"):
        read(value)


def test_a_component_that_is_not_there() -> None:
    with pytest.raises(Broken, match="does not have: c9"):
        read(document({**VULNERABILITY, "affects": [{"ref": "c9"}]}))
