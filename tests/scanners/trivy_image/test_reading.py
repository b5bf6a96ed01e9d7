"""Trivy's recorded report on an image, read whole.

`golden/` holds what trivy 0.76.0 said of the image of these layers (its environment, which holds
a token, taken out; descriptions and links too), and the CycloneDX document of its packages.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.advisories.trivydb import trivy_database
from compline.config.schema import Advisories
from compline.model import FindingKind, Gap, GapReason, Observation, Place, Severity
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.canary import canary_secret
from compline.scanners.trivy.image_age import end_of_life, too_old
from compline.scanners.trivy.image_canary import os_canary, source_of
from compline.scanners.trivy.image_match import operating_system
from compline.scanners.trivy.image_reader import ImageReader, for_convert
from compline.scanners.trivy.licences import LicencePolicy

GOLDEN = Path(__file__).parent / "golden"
KEY = SecretKey(b"k" * 32)
TOKEN = canary_secret()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("vuln", "misconfig", "secret", "license")
STATUS = """\
Package: curl
Status: install ok installed
Architecture: amd64
Version: 7.88.1-10
Maintainer: Debian <debian@shop.example>

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9
Maintainer: Debian <debian@shop.example>
"""
LAYERS = [
    {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "etc/debian_version": "12.1\n",
        "var/lib/dpkg/status": STATUS,
        "usr/lib/python3/dist-packages/PyYAML-5.3.dist-info/METADATA": "Metadata-Version: 2.1\n"
        "Name: PyYAML\nVersion: 5.3\nLicense: MIT\n",
        "app/settings.py": f'DEBUG = True\ntoken = "{TOKEN}"\n',
        "app/node_modules/left/package.json": '{"name":"left","version":"1.0.0",'
        '"license":"AGPL-3.0-only"}',
    },
    {"app/.wh.settings.py": "", "app/Dockerfile": "FROM debian:12\nUSER root\n"},
]
ENVIRONMENT = ["PATH=/usr/bin", f"TOKEN={TOKEN}"]


@pytest.fixture
def archive(images: Any) -> Path:
    path: Path = images.docker("golden", LAYERS, user="", env=ENVIRONMENT)
    return path


@pytest.fixture
def report() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((GOLDEN / "image.json").read_text())
    return value


@pytest.fixture
def read(report: dict[str, Any], archive: Path) -> Any:
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy(["AGPL-3.0"]))
    return reader.read(report, archive, (GOLDEN / "image.log").read_text())


def plain(observation: Observation) -> list[Any]:
    place = observation.place
    return [
        observation.kind,
        observation.rule,
        observation.severity,
        place.path,
        place.line,
        observation.subject,
        [version for version, _ in observation.fingerprints],
    ]


def test_the_recorded_report_whole(read: Any) -> None:
    observations, gaps, packages = read
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert [plain(each) for each in observations] == expected["observations"]
    assert [[each.type, each.name, each.version, each.path] for each in packages] == expected[
        "packages"
    ]
    assert gaps == []


def test_secrets_are_read_out_of_the_layer_that_holds_them(read: Any) -> None:
    """That of the first layer is gone from the last one, and still in the image."""
    secrets = [each for each in read[0] if each.kind is FindingKind.SECRET]
    assert {(each.place.path, each.place.line) for each in secrets} == {
        ("app/settings.py", 2),
        ("image-config", None),
    }
    assert {each.subject for each in secrets} == {KEY.subject(TOKEN.encode())}


def test_root_is_told_by_the_configuration(read: Any, report: dict[str, Any], images: Any) -> None:
    def of_config(found: Any) -> list[str]:
        return [
            each.title
            for each in found
            if each.rule == "DS-0002" and each.place.path == "image-config"
        ]

    assert of_config(read[0]) == ["The image runs as root"]
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy([]))
    for user, expected in (("0:0", 1), ("root", 1), ("1000", 0), ("app:root", 0)):
        archive = images.docker("user", LAYERS, user=user, env=ENVIRONMENT)
        assert len(of_config(reader.read(report, archive, "")[0])) == expected


def test_a_secret_in_a_layer_that_cannot_be_read_is_known_by_its_place(
    report: dict[str, Any], images: Any
) -> None:
    other = images.docker("other", [{"a": "b"}], user="app", env=ENVIRONMENT)
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy([]))
    (found,) = (
        each
        for each in reader.read(report, other, "")[0]
        if each.kind is FindingKind.SECRET and each.place.path == "app/settings.py"
    )
    assert found.subject == KEY.subject(b"github-pat\0app/settings.py\x002")


def test_no_machine_path_and_no_digest_is_in_a_place(read: Any) -> None:
    for each in read[0]:
        assert "/work" not in each.place.path
        assert "sha256" not in repr(each)


def test_the_configuration_stays_out_of_the_document(report: dict[str, Any]) -> None:
    report["Metadata"]["ImageConfig"]["config"]["Labels"] = {"token": TOKEN}
    given = for_convert(report, "shop")
    assert TOKEN not in json.dumps(given)
    assert "/work" not in json.dumps(given)
    assert [result["Target"] for result in given["Results"]] == ["shop", "Node.js", "Python"]


def test_the_recorded_document() -> None:
    document = json.loads((GOLDEN / "image.cdx.json").read_text())
    assert operating_system(document) == ("debian", "12.1")
    assert operating_system({}) == ("", "")
    assert sorted(each["purl"] for each in document["components"] if "purl" in each) == [
        "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12.1",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.1",
        "pkg:npm/left@1.0.0",
        "pkg:pypi/pyyaml@5.3",
    ]


def test_an_operating_system_that_the_image_does_not_name_is_a_gap(
    report: dict[str, Any], archive: Path
) -> None:
    del report["Metadata"]["OS"]
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy([]))
    _, (gap,), _ = reader.read(report, archive, "")
    assert (gap.reason, gap.path) == (GapReason.UNSUPPORTED, "os-packages/")


def test_java_archives_are_a_gap_that_keeps_nothing_open(
    report: dict[str, Any], images: Any
) -> None:
    archive = images.docker("java", [{**LAYERS[0], "lib/a.jar": b"PK"}, LAYERS[1]], user="app")
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy([]))
    _, (gap,), _ = reader.read(report, archive, "")
    assert (gap.reason, gap.count) == (GapReason.UNSUPPORTED, 1)
    assert not gap.covers("app/settings.py", "hmac:k:00")
    assert gap.covers("lib/a.jar", "maven")


@pytest.mark.parametrize(
    ("family", "version", "source"),
    [
        ("debian", "12.1", "debian 12"),
        ("debian", "13.0", ""),
        ("alpine", "3.16.2", "alpine 3.16"),
        ("alpine", "3.17.0", ""),
        ("ubuntu", "22.04", ""),
        ("unheard-of", "1", ""),
    ],
)
def test_whether_the_database_knows_the_system(
    tmp_path: Path, family: str, version: str, source: str
) -> None:
    database = trivy_database(Advisories(trivy_db="bundled"), tmp_path, NOW, lambda *_: None)
    assert source_of(family, version, database) == source
    if source:
        canary = os_canary(family, version, source, database)
        assert canary is not None
        assert canary["version"] == "0"


@pytest.mark.parametrize(
    ("created", "rules", "warned"),
    [
        ("2025-07-05T00:00:00+00:00", [], False),
        ("2025-07-04T00:00:00+00:00", ["image-too-old"], False),
        ("1970-01-01T00:00:00+00:00", [], True),
        ("", [], True),
    ],
)
def test_age(created: str, rules: list[str], warned: bool) -> None:
    observations, warnings = too_old("trivy-image", created, NOW, 180)
    assert [each.rule for each in observations] == rules
    assert bool(warnings) is warned


def test_a_system_without_updates_is_a_finding() -> None:
    (found,) = end_of_life("trivy-image", "alpine 3.16.0")
    assert (found.rule, found.severity) == ("os-end-of-life", Severity.HIGH)
    assert found.place == Place("image-config")
    assert end_of_life("trivy-image", "") == ()


def test_gap_of_a_broken_file_in_the_image(report: dict[str, Any], archive: Path) -> None:
    # The second is trivy's own rendering of the history.
    log = "".join(
        f'2026\tERROR\t[dockerfile scanner] Failed to parse file\tfile_path="{path}" err="x"\n'
        for path in ("app/Dockerfile", "Dockerfile")
    )
    reader = ImageReader("trivy-image", KINDS, KEY, LicencePolicy([]))
    _, gaps, _ = reader.read(report, archive, log)
    assert gaps == [
        Gap(GapReason.UNPARSED, "app/Dockerfile", "[dockerfile scanner] Failed to parse file")
    ]
