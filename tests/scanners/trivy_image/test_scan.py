"""trivy over images, with the real tool: what it finds, its traps, and the second night."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from looks import completed, one
from trivy_images import TOKEN

from compline.model import FindingKind, GapReason, Look
from compline.scanners.trivy.image_scanner import TrivyImage


def rules(look: Look) -> set[tuple[str, str]]:
    return {(each.rule, each.place.path) for each in completed(look).observations}


def test_each_image_has_one_look(night: Any) -> None:
    _, looks = night
    assert set(looks) == {"shop", "newer", "alpine"}
    for look in looks.values():
        assert look.fresh
        assert look.revision.startswith("sha256:")
        assert look.advisory_date == "2024-10-10"
        assert any("448 days old" in warning for warning in look.warnings)
        assert look.sandbox in ("bubblewrap", "limits")


def test_packages_secrets_root_and_age(night: Any) -> None:
    look = night[1]["shop"]
    assert rules(look) == {
        ("CVE-2023-38545", "os-packages/curl"),
        ("CVE-2023-4911", "os-packages/libc6"),
        ("CVE-2020-14343", "usr/lib/python3/dist-packages/PyYAML-5.3.dist-info/METADATA"),
        ("CVE-2020-1747", "usr/lib/python3/dist-packages/PyYAML-5.3.dist-info/METADATA"),
        ("CVE-2019-10744", "app/node_modules/lodash/package.json"),
        ("github-pat", "usr/share/doc/example.md"),
        ("github-pat", "app/key.txt"),  # deleted by the last layer
        ("github-pat", "image-config"),
        ("DS-0002", "image-config"),
        ("DS-0026", "image-config"),
        ("image-too-old", "image-config"),
    }
    observations = completed(look).observations
    assert len({each.subject for each in observations if each.kind is FindingKind.SECRET}) == 1
    (curl,) = (each for each in observations if each.place.path == "os-packages/curl")
    assert curl.subject == "deb:curl"
    assert curl.aliases == ("CVE-2023-38545",)  # a DSA stands for several
    assert curl.package is not None
    assert curl.package.fixed_version == "7.88.1-10+deb12u4"
    (gap,) = completed(look).gaps
    assert (gap.reason, gap.subjects) == (GapReason.UNSUPPORTED, ("maven",))


def test_a_system_that_the_database_does_not_know_is_not_clean(night: Any) -> None:
    """Trivy finds nothing in its packages, and says nothing of it."""
    look = night[1]["newer"]
    assert not any(path.startswith("os-packages/") for _, path in rules(look))
    (gap,) = (each for each in completed(look).gaps if each.path)
    assert (gap.reason, gap.path) == (GapReason.UNSUPPORTED, "os-packages/")
    assert "debian 13.1" in gap.detail
    assert gap.covers("os-packages/curl", "deb:curl")
    assert any("its age is not known" in warning for warning in look.warnings)
    assert ("CVE-2019-10744", "app/node_modules/lodash/package.json") in rules(look)


def test_an_oci_layout_in_a_tar_file_and_a_system_given_up(night: Any) -> None:
    assert rules(night[1]["alpine"]) == {
        ("CVE-2022-37434", "os-packages/zlib"),
        ("os-end-of-life", "image-config"),
        ("DS-0026", "image-config"),
    }


def test_the_secret_and_the_canary_are_nowhere(night: Any) -> None:
    scene, looks = night
    everything = repr(looks).encode() + repr(scene.cache.values).encode()
    for file in scene.home.rglob("*"):
        if file.is_file() and file.name != "trivy.db":
            content = file.read_bytes()
            everything += gzip.decompress(content) if file.suffix == ".gz" else content
    assert b"CycloneDX" in everything
    for forbidden in (TOKEN.encode(), b"compline-canary", b"accesscontrol"):
        assert forbidden not in everything


def test_an_unchanged_image_is_not_scanned_again(
    night: Any, toolbox: Any, images: Any, shop: Path, processes: list[str]
) -> None:
    scene, looks = night
    look = one(TrivyImage().scan([images.job(shop)], scene.context(toolbox)))
    assert look.outcome == looks["shop"].outcome
    assert look.evidence == looks["shop"].evidence
    assert not look.fresh
    assert processes == []


def test_the_same_image_under_another_name_is_not_scanned_again(
    night: Any, toolbox: Any, images: Any, shop: Path, processes: list[str], tmp_path: Path
) -> None:
    scene, looks = night
    copy = shutil.copy(shop, tmp_path / "copy.tar")
    look = one(TrivyImage().scan([images.job(Path(copy))], scene.context(toolbox)))
    assert (look.target, processes) == ("copy", [])
    there, here = looks["shop"].outcome, look.outcome
    assert (here.gaps, len(here.observations)) == (there.gaps, len(there.observations))
    secrets = 0
    for one_there, one_here in zip(there.observations, here.observations, strict=True):
        if one_here.kind is FindingKind.SECRET:
            # Nobody learns from the store that two targets share a secret.
            assert one_here.subject != one_there.subject
            one_there, secrets = replace(one_there, subject=one_here.subject), secrets + 1
        assert one_here == one_there
    assert secrets


def test_a_moved_database_is_matched_without_a_scan(
    night: Any, toolbox: Any, images: Any, shop: Path, database: Any, processes: list[str]
) -> None:
    scene, _ = night
    moved = database(
        {
            "debian 12": {"glibc": {"CVE-2025-1": {"FixedVersion": "9"}}},
            "npm::test": {
                "lodash": {"CVE-2025-2": {"VulnerableVersions": ["< 9"], "PatchedVersions": ["9"]}}
            },
        },
        {"CVE-2025-1": {"Severity": "HIGH"}, "CVE-2025-2": {"Severity": "LOW"}},
    )
    context = scene.context(toolbox, advisories={"trivy_db": str(moved)})
    look = one(TrivyImage().scan([images.job(shop)], context))
    vulnerable = {pair for pair in rules(look) if pair[0].startswith("CVE-")}
    assert vulnerable == {
        ("CVE-2025-1", "os-packages/libc6"),
        ("CVE-2025-2", "app/node_modules/lodash/package.json"),
    }
    # The new database knows nothing of Python: what was found there before stays open.
    (gap,) = (each for each in completed(look).gaps if "python-pkg" in each.detail)
    assert gap.covers("anywhere", "pypi:pyyaml")
    assert processes == ["sbom"]


def test_an_image_grows_too_old_without_changing(
    night: Any, toolbox: Any, images: Any, processes: list[str]
) -> None:
    scene, _ = night
    alpine = images.job(images.home / "alpine.oci.tar")
    today, later = (
        scene.context(toolbox, now=datetime(2026, month, 20, tzinfo=UTC)) for month in (1, 12)
    )
    assert TrivyImage().scan_key(today) != TrivyImage().scan_key(later)
    assert TrivyImage().scan_key(today).options == TrivyImage().scan_key(later).options
    old = ("image-too-old", "image-config")
    assert old not in rules(one(TrivyImage().scan([alpine], today)))
    assert old in rules(one(TrivyImage().scan([alpine], later)))
    assert processes == []


def test_lost_evidence_is_made_again(
    night: Any, toolbox: Any, images: Any, shop: Path, processes: list[str]
) -> None:
    scene, looks = night
    digest = looks["shop"].evidence[1]
    (scene.home / "evidence" / digest[:2] / f"{digest}.gz").unlink()
    look = one(TrivyImage().scan([images.job(shop)], scene.context(toolbox)))
    assert rules(look) == rules(looks["shop"])
    assert processes.count("image") == 2  # the canary's and this one


def test_a_known_image_is_not_opened_again(
    night: Any, toolbox: Any, images: Any, shop: Path
) -> None:
    """So that a night with new advisories pulls nothing."""
    scene, looks = night
    job = images.job(shop)
    job.open_archive = None
    assert rules(one(TrivyImage().scan([job], scene.context(toolbox)))) == rules(looks["shop"])
