"""trivy over whole repositories, with the real tool: what it finds, and its traps."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from looks import completed, one
from trivy_shop import HIDDEN, SHOP, TOKEN

from compline.findings.correlate import Sighting, correlate
from compline.model import Completed, FindingKind, GapReason, Look, Severity
from compline.scanners.pip_audit.scanner import PipAudit
from compline.scanners.trivy import command


@pytest.fixture(scope="module")
def found(night: Any) -> Completed:
    return completed(night[1]["shop"])


def test_each_repository_has_one_look(night: Any) -> None:
    _, looks = night
    assert set(looks) == {"shop", "docs"}
    assert looks["docs"].outcome == Completed((), ())
    for look in looks.values():
        assert look.fresh
        assert look.tool_version == "0.76.0"
        assert look.advisory_date == "2024-10-10"
        assert look.sandbox in ("bubblewrap", "limits")
        (warning,) = look.warnings
        assert warning.startswith(
            "stale advisories: Trivy's advisories are 448 days old (2024-10-10)"
        )


def test_secrets_are_looked_for_where_trivy_by_itself_does_not(found: Completed) -> None:
    secrets = {
        each.place.path: each for each in found.observations if each.kind is FindingKind.SECRET
    }
    assert set(secrets) == set(HIDDEN)
    assert len({each.subject for each in secrets.values()}) == 1
    assert all(len(each.place.blob) == 40 for each in secrets.values())


def test_directories_named_like_those_of_a_root_file_system_are_scanned(found: Completed) -> None:
    root = {each.place.path for each in found.observations if each.rule == "DS-0002"}
    assert root == {f"{name}/Dockerfile" for name in ("dev", "proc", "sys", "deploy", "quiet")}
    assert any(each.place.path == "dev/requirements.txt" for each in found.observations)


def test_the_repositorys_own_settings_of_trivy_are_not_obeyed(found: Completed) -> None:
    rules = {each.rule for each in found.observations}
    assert {"DS-0002", "CVE-2019-10744"} <= rules
    severities = {each.severity for each in found.observations}
    assert {Severity.CRITICAL, Severity.HIGH, Severity.LOW} <= severities


def test_inline_comments_are_recorded_and_hide_nothing(found: Completed) -> None:
    quiet = [each for each in found.observations if each.place.path == "quiet/Dockerfile"]
    assert {each.rule: each.suppression for each in quiet} == {
        "DS-0002": "trivy:ignore:DS-0002",
        "DS-0026": "",
    }


def test_development_packages_count(found: Completed) -> None:
    (minimist,) = (each for each in found.observations if each.subject == "npm:minimist")
    assert dict(minimist.details)["scope"] == "development"
    assert minimist.severity is Severity.CRITICAL
    assert (minimist.place.path, minimist.place.line) == ("package-lock.json", 17)


def test_a_forbidden_licence_is_a_finding(found: Completed) -> None:
    (licence,) = (each for each in found.observations if each.kind is FindingKind.LICENSE)
    assert licence.subject == "npm:minimist:AGPL-3.0-only"


def test_what_was_not_covered_is_said(found: Completed) -> None:
    assert {(gap.reason, gap.path) for gap in found.gaps} == {
        (GapReason.SUBMODULE, "third"),
        (GapReason.VENDORED, "vendor/"),
        (GapReason.UNPARSED, "broken/package-lock.json"),  # in silence
        (GapReason.UNSUPPORTED, "infra/main.tf"),  # it would fetch the module with git
        (GapReason.UNSUPPORTED, "Cargo.lock"),  # the database knows no crates: also in silence
    }
    (module,) = (gap for gap in found.gaps if gap.path == "infra/main.tf")
    assert not module.covers("infra/main.tf", "")


def test_the_canary_shows_up_nowhere(night: Any) -> None:
    scene, looks = night
    kept = repr(looks) + repr(scene.cache.values)
    assert "compline-canary" not in kept
    assert "canary.svg" not in kept
    assert "accesscontrol" not in kept


def evidence(scene: Any, look: Look) -> list[dict[str, Any]]:
    files = (scene.home / "evidence" / digest[:2] / f"{digest}.gz" for digest in look.evidence)
    return [json.loads(gzip.decompress(file.read_bytes())) for file in files]


def test_the_secret_is_nowhere(night: Any) -> None:
    scene, looks = night
    everything = repr(looks).encode() + repr(scene.cache.values).encode()
    for file in scene.home.rglob("*"):
        if file.is_file() and file.name != "trivy.db":
            content = file.read_bytes()
            everything += gzip.decompress(content) if file.suffix == ".gz" else content
    assert TOKEN.encode() not in everything
    assert b"deploy/Dockerfile" in everything


def test_the_evidence_is_report_packages_and_matches(night: Any) -> None:
    scene, looks = night
    report, document, matches = evidence(scene, looks["shop"])
    assert any(result["Target"] == "dev/Dockerfile" for result in report["results"])
    assert document["bomFormat"] == "CycloneDX"
    assert matches["database"]["date"] == "2024-10-10"
    assert matches["vulnerable"]["npm pkg:npm/lodash@4.17.10"] == ["CVE-2019-10744"]


def test_matching_the_list_says_what_a_scan_of_the_tree_says(
    found: Completed, toolbox: Any, tmp_path: Path, night: Any
) -> None:
    """`trivy sbom` over our list against `trivy fs --scanners vuln` over a checkout."""
    scene, _ = night
    checkout = tmp_path / "checkout"
    # Not directly below the root, where trivy would pass over dev/.
    for path, text in SHOP.items():
        file = checkout / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    given = command.means(scene.context(toolbox), "trivy")
    assert given.database is not None
    done = subprocess.run(
        [
            *(given.tool.executable, "fs", "--scanners", "vuln", "--format", "json", "--quiet"),
            *("--cache-dir", given.database.directory, "--skip-db-update", "--offline-scan"),
            *("--include-dev-deps", "--skip-version-check", "--ignorefile", ""),
            checkout,
        ],
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    direct = Counter(
        (
            result["Target"].removeprefix("tree/"),
            entry["VulnerabilityID"],
            entry["PkgName"],
            entry["InstalledVersion"],
            entry["Severity"].lower(),
        )
        for result in json.loads(done.stdout)["Results"]
        for entry in result.get("Vulnerabilities") or ()
    )
    ours = Counter(
        (each.place.path, each.rule, each.package.name, each.package.version, each.severity.value)
        for each in found.observations
        if each.package is not None
    )
    assert ours == direct
    assert sum(ours.values()) == 34


def test_pip_audit_and_trivy_speak_of_the_same_thirty_two(
    found: Completed, shop: Any, toolbox: Any, scene: Any
) -> None:
    look = one(PipAudit().scan([shop.job()], scene.context(toolbox)))
    theirs = [each for each in completed(look).observations if each.kind is FindingKind.DEPENDENCY]
    ours = [
        each
        for each in found.observations
        if each.kind is FindingKind.DEPENDENCY and each.subject.startswith("pypi:")
    ]
    assert (len(theirs), len(ours)) == (32, 32)
    sightings = [Sighting(each) for each in (*theirs, *ours)]
    groups = correlate(sightings)
    # One advisory has the same GHSA as another: of 32 statements each, 32 groups at most.
    assert all(
        {sightings[index].observation.scanner for index in group} == {"pip-audit", "trivy"}
        for group in groups
    )
    assert len(groups) == 32
