"""trivy's second night: what is scanned again and what is not; and what fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from looks import completed, one
from trivy_shop import DOCKERFILE, SHOP

from compline.model import Failed, FindingKind
from compline.scanners.interface import CannotScan
from compline.scanners.trivy import command, trees
from compline.scanners.trivy.tree_scanner import TrivyTree
from compline.source.snapshot import SourceError


class Counted:
    """Counts processes by subcommand, and lets them run."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self._run = command.run

    def __call__(self, argv: Any, **options: Any) -> Any:
        self.started.append(str(argv[1]))
        return self._run(argv, **options)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    counted = Counted()
    monkeypatch.setattr(command, "run", counted)
    return counted.started


def test_an_unchanged_night_starts_nothing_and_says_the_same(
    night: Any, toolbox: Any, shop: Any, processes: list[str]
) -> None:
    scene, looks = night
    opened = shop.opened
    look = one(TrivyTree().scan([shop.job()], scene.context(toolbox)))
    assert look.outcome == looks["shop"].outcome
    assert look.evidence == looks["shop"].evidence
    assert not look.fresh
    assert (shop.opened, processes) == (opened, [])


def test_another_commit_with_the_same_tree_is_not_scanned(
    night: Any, toolbox: Any, shop: Any, processes: list[str]
) -> None:
    scene, looks = night
    job = shop.job()
    job.revision = "f" * 40
    look = one(TrivyTree().scan([job], scene.context(toolbox)))
    assert look.outcome == looks["shop"].outcome
    assert look.revision == "f" * 40
    assert processes == []


def test_a_moved_database_is_matched_without_git_and_without_a_scan(
    night: Any, toolbox: Any, shop: Any, database: Any, processes: list[str]
) -> None:
    scene, looks = night
    moved = database(
        {
            "npm::test": {
                "lodash": {"CVE-2025-1": {"VulnerableVersions": ["< 9"], "PatchedVersions": ["9"]}}
            },
            "pip::test": {
                "flask": {"CVE-2025-2": {"VulnerableVersions": ["< 3"], "PatchedVersions": ["3"]}}
            },
        },
        {
            "CVE-2025-1": {"Title": "Something", "Severity": "HIGH"},
            "CVE-2025-2": {"Severity": "LOW", "CweIDs": ["CWE-20"]},
        },
    )
    context = scene.context(toolbox, advisories={"osv": "bundled", "trivy_db": str(moved)})
    before, after = TrivyTree().scan_key(scene.context(toolbox)), TrivyTree().scan_key(context)
    assert before.advisories != after.advisories
    assert (before.rules, before.options) == (after.rules, after.options)
    opened = shop.opened
    look = one(TrivyTree().scan([shop.job()], context))
    vulnerable = {
        (each.rule, each.place.path, each.severity.value)
        for each in completed(look).observations
        if each.kind is FindingKind.DEPENDENCY
    }
    assert vulnerable == {
        ("CVE-2025-1", "package-lock.json", "high"),
        ("CVE-2025-2", "dev/requirements.txt", "low"),
    }
    others = [
        each for each in completed(look).observations if each.kind is not FindingKind.DEPENDENCY
    ]
    assert others == [
        each
        for each in completed(looks["shop"]).observations
        if each.kind is not FindingKind.DEPENDENCY
    ]
    assert (look.advisory_date, look.warnings) == ("2025-12-31", ())
    assert (shop.opened, processes) == (opened, ["sbom"])


def test_of_a_tree_that_changed_a_little_only_the_changed_sources_are_scanned(
    night: Any, toolbox: Any, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, looks = night
    changed = repository(
        {**SHOP, "tests/test_a.py": "clean = 1\n", "moved.md": SHOP["README.md"]}, "shop"
    )
    exported: list[str] = []
    export = changed.snapshot.export

    def counted(destination: Path, entries: Any) -> Any:
        exported.extend(entry.path for entry in entries)
        return export(destination, entries)

    monkeypatch.setattr(changed.snapshot, "export", counted)
    look = one(TrivyTree().scan([changed.job()], scene.context(toolbox)))
    assert "app.py" not in exported
    assert "moved.md" not in exported
    assert {"tests/test_a.py", "deploy/Dockerfile", "package-lock.json"} <= set(exported)
    before = {
        each.place.path: each
        for each in completed(looks["shop"]).observations
        if each.kind is FindingKind.SECRET
    }
    after = {
        each.place.path: each
        for each in completed(look).observations
        if each.kind is FindingKind.SECRET
    }
    assert set(after) == {*before, "moved.md"} - {"tests/test_a.py"}
    assert after["README.md"] == before["README.md"]
    assert after["moved.md"].subject == before["README.md"].subject
    assert not look.fresh


def test_a_fresh_look_reads_no_cache_and_several_processes_get_along(
    night: Any,
    toolbox: Any,
    shop: Any,
    repository: Any,
    processes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trees, "_SMALL_BYTES", 0)
    scene, looks = night
    other = repository({"Dockerfile": DOCKERFILE}, "other")
    by_target = {
        look.target: look
        for look in TrivyTree().scan(
            [shop.job(fresh=True), other.job(fresh=True)], scene.context(toolbox)
        )
    }
    assert by_target["shop"].outcome == looks["shop"].outcome
    assert by_target["shop"].fresh
    assert processes.count("fs") == 2


def test_only_what_is_wanted_is_looked_for(scene: Any, toolbox: Any, shop: Any) -> None:
    context = scene.context(toolbox, scanners={"trivy": {"scanners": ["misconfig"]}})
    look = one(TrivyTree().scan([shop.job()], context))
    assert {each.kind for each in completed(look).observations} == {FindingKind.MISCONFIGURATION}
    assert (look.advisory_date, look.warnings) == ("", ())
    # What is not looked for needs neither key nor database.
    assert not (scene.home / "workspace" / "secret.key").exists()
    assert not (scene.home / "workspace" / "advisories").exists()


def test_what_is_missing_fails_the_scanner_with_what_to_do(
    scene: Any, toolbox: Any, shop: Any, tmp_path: Path
) -> None:
    gone = scene.context(toolbox, advisories={"trivy_db": str(tmp_path / "gone")})
    with pytest.raises(CannotScan, match=r"set `advisories\.trivy_db`"):
        TrivyTree().scan_key(gone)
    context = scene.context(toolbox)
    TrivyTree().scan_key(context)
    (scene.home / "workspace" / "secret.key").chmod(0o644)
    with pytest.raises(CannotScan, match="chmod 600"):
        list(TrivyTree().scan([shop.job()], context))


def test_a_database_that_cannot_be_fetched_fails_with_what_to_do(
    scene: Any, toolbox: Any, shop: Any
) -> None:
    mirror = scene.context(toolbox, advisories={"trivy_db": "oci://127.0.0.1:9/trivy-db:2"})
    with pytest.raises(CannotScan, match=r"could not be fetched from 127\.0\.0\.1:9.*oci://MIRROR"):
        list(TrivyTree().scan([shop.job()], mirror))


def test_a_repository_that_cannot_be_fetched_fails_alone(
    night: Any, toolbox: Any, shop: Any, repository: Any
) -> None:
    scene, looks = night
    gone = repository({"a": "b"}, "gone").job()

    def refuse() -> Any:
        raise SourceError("no such repository")

    gone.open_snapshot = refuse
    by_target = {
        look.target: look for look in TrivyTree().scan([gone, shop.job()], scene.context(toolbox))
    }
    assert by_target["gone"].outcome == Failed("no such repository")
    assert by_target["shop"].outcome == looks["shop"].outcome
