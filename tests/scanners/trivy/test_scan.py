"""trivy over whole repositories, with the real tool: its traps, and the second night."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compline.findings.correlate import Sighting, correlate
from compline.model import Completed, Failed, FindingKind, Gap, GapReason, Look, Severity
from compline.scanners.interface import CannotScan
from compline.scanners.pip_audit.scanner import PipAudit
from compline.scanners.trivy import command, trees
from compline.scanners.trivy.canary import canary_secret
from compline.scanners.trivy.tree_scanner import TrivyTree
from compline.source.snapshot import SourceError

TOKEN = canary_secret()
DOCKERFILE = "FROM debian:12\nUSER root\n"
SAMPLE = "werkzeug==0.11\nflask==2.0.0\nmlflow==2.0.1\nlangchain==0.0.200\npyyaml==5.3\n"
SAMPLE += "gradio==3.30.0\n"
LOCK = {
    "name": "shop",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "version": "1.0.0", "dependencies": {"lodash": "4.17.10"}},
        "node_modules/lodash": {"version": "4.17.10", "license": "MIT"},
        "node_modules/minimist": {"version": "0.0.8", "license": "AGPL-3.0", "dev": True},
    },
}
HIDDEN = (
    *("README.md", "docs/guide.md", "tests/test_a.py", "examples/example.py", "locale/de.po"),
    *("src/app_test.go", "go.sum", "logo.svg", "trivy-secret.yaml", "notes.ipynb"),
)
"""Places that trivy's secret scanner does not look at unless it is told to."""
SHOP = {
    **dict.fromkeys(HIDDEN, f'token = "{TOKEN}"\n'),
    # A scan of a root file system passes over these directories.
    **{f"{name}/Dockerfile": DOCKERFILE for name in ("dev", "proc", "sys", "deploy")},
    "dev/requirements.txt": SAMPLE,
    "package-lock.json": json.dumps(LOCK, indent=1),
    "quiet/Dockerfile": "FROM debian:12\n# trivy:ignore:DS-0002\nUSER root\n# trivy:ignore:*\n",
    ".trivyignore": "DS-0002\nCVE-2019-10744\n",
    "trivy.yaml": "severity: [LOW]\nscan:\n  skip-dirs: [dev]\n",
    ".dockerignore": "**\n",
    "infra/main.tf": 'module "far" {\n  source = "git::https://modules.example/far.git"\n}\n',
    "broken/package-lock.json": '{"name": ',
    "Cargo.lock": '[[package]]\nname = "left"\nversion = "1.0.0"\n'
    'source = "registry+https://crates.example"\nchecksum = "00"\n',
    "vendor/Dockerfile": DOCKERFILE,
    "app.py": "print('hello')\n",
}
SUBMODULE = Gap(GapReason.SUBMODULE, "third")


def one(looks: Iterator[Look]) -> Look:
    (look,) = looks
    return look


def completed(look: Look) -> Completed:
    assert isinstance(look.outcome, Completed), look.outcome
    return look.outcome


@pytest.fixture(scope="module")
def toolbox(tools: Any) -> Any:
    return tools("trivy", "pip-audit")


@pytest.fixture(scope="module")
def shop(repository: Any) -> Any:
    return repository(SHOP, "shop", [SUBMODULE])


@pytest.fixture(scope="module")
def night(new_scene: Any, toolbox: Any, shop: Any, repository: Any) -> tuple[Any, dict[str, Look]]:
    """A first night over two repositories, the second of them harmless."""
    scene = new_scene()
    docs = repository({"README.md": "hello"}, "docs")
    looks = TrivyTree().scan([shop.job(), docs.job()], scene.context(toolbox))
    return scene, {look.target: look for look in looks}


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
