"""Matching lists of packages to the database, with the real tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.advisories.trivydb import Advisory
from compline.model import Gap, GapReason
from compline.scanners.trivy import command, matching
from compline.scanners.trivy.command import TrivyFailed
from compline.scanners.trivy.matching import (
    database_gaps,
    language_canary,
    match_packages,
    unmatched_gaps,
    vulnerable_version,
)
from compline.scanners.trivy.packages import ListedPackage


def package(
    type_: str, name: str, version: str, purl: str = "", path: str = "lock"
) -> ListedPackage:
    kind = {"uv": "pypi", "pip": "pypi", "yarn": "npm"}.get(type_, type_)
    return ListedPackage(type_, name, version, purl or f"pkg:{kind}/{name}@{version}", path)


LODASH = package("npm", "lodash", "4.17.10")
FLASK = package("uv", "flask", "2.0.0")


@pytest.fixture(scope="module")
def toolbox(tools: Any) -> Any:
    return tools("trivy")


def test_packages_of_every_type_in_one_process(
    scene: Any, toolbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = scene.context(toolbox)
    given = command.means(context, "trivy")
    started = []
    run = command.run
    monkeypatch.setattr(command, "run", lambda *a, **o: started.append(1) or run(*a, **o))
    listed = [
        LODASH,
        FLASK,
        package("pip", "flask", "2.0.0"),
        package("pip", "flask", "2.3.3"),
        package("yarn", "lodash", "4.17.21"),
        package("npm", "@types/node", "1.0.0", "pkg:npm/%40types/node@1.0.0"),
    ]
    matched = match_packages([*listed, LODASH], given, context, scanner="trivy")
    assert {key: [each.id for each in known] for key, known in matched.known.items() if known} == {
        "npm pkg:npm/lodash@4.17.10": ["CVE-2019-10744"],
        "uv pkg:pypi/flask@2.0.0": ["CVE-2023-30861"],
        "pip pkg:pypi/flask@2.0.0": ["CVE-2023-30861"],
    }
    assert set(matched.known) == {each.key for each in listed}
    again = match_packages(listed, given, context, scanner="trivy", fresh={LODASH.key})
    assert again.known == matched.known
    assert again.stored == {each.key for each in listed} - {LODASH.key}
    assert len(started) == 2


def test_what_trivy_does_not_look_up_is_a_gap(scene: Any, toolbox: Any) -> None:
    context = scene.context(toolbox)
    given = command.means(context, "trivy")
    odd = package("pip", "odd", "1.0", "pkg:nosuchtype/odd@1.0")
    listed = [FLASK, odd]
    matched = match_packages(listed, given, context, scanner="trivy")
    assert set(matched.known) == {FLASK.key}
    assert list(unmatched_gaps(listed, matched, given)) == [
        Gap(
            GapReason.NOT_REPORTED,
            "lock",
            "packages that trivy did not look up",
            1,
            ("nosuchtype:odd",),
        )
    ]


def test_what_the_database_has_nothing_of_is_a_gap(scene: Any, toolbox: Any) -> None:
    given = command.means(scene.context(toolbox), "trivy")
    crates = [package("cargo", name, "1.0", path="Cargo.lock") for name in ("a", "b")]
    gaps = list(database_gaps([FLASK, LODASH, *crates, package("conda-pkg", "c", "1")], given))
    assert [(gap.reason, gap.path, gap.count) for gap in gaps] == [
        (GapReason.UNSUPPORTED, "Cargo.lock", 2),
        (GapReason.UNSUPPORTED, "lock", 1),
    ]


def test_a_missed_canary_makes_the_match_worthless_and_nothing_is_kept(
    scene: Any, toolbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = scene.context(toolbox)
    given = command.means(context, "trivy")
    assert given.database is not None
    harmless = package("pip", "harmless", "1.0")
    monkeypatch.setattr(matching, "language_canary", lambda _database: harmless)
    with pytest.raises(TrivyFailed, match=r"missed its canary: harmless 1\.0"):
        match_packages([FLASK], given, context, scanner="trivy")
    assert scene.cache.values == {}


@pytest.mark.parametrize(
    ("vulnerable", "version"),
    [
        (("< 1.2.3",), "0.0.0"),
        (("<= 1.2.3",), "0.0.0"),
        ((">= 1.0, < 1.2",), "1.0"),
        (("= 1.5",), "1.5"),
        (("< 0.0.0",), ""),
        ((">=1.0 <2 || >3",), ""),
        (("odd", "= 2"), "2"),
        ((), ""),
    ],
)
def test_a_version_inside_the_ranges(vulnerable: tuple[str, ...], version: str) -> None:
    assert vulnerable_version(Advisory("x", "CVE-1", vulnerable, "")) == version


def test_the_canary_is_out_of_the_database_itself(scene: Any, toolbox: Any, database: Any) -> None:
    def canary(name: str, sources: Any) -> ListedPackage:
        path: Path = database(sources, {}, name=name)
        context = scene.context(toolbox, advisories={"trivy_db": str(path)})
        given = command.means(context, "trivy")
        assert given.database is not None
        return language_canary(given.database)

    bad = {"CVE-1": {"VulnerableVersions": [">= 1.4, < 2"]}}
    crate = canary("crates", {"cargo::x": {"left": bad}})
    assert (crate.type, crate.purl) == ("cargo", "pkg:cargo/left@1.4")
    assert canary("both", {"cargo::x": {"left": bad}, "npm::x": {"right": bad}}).type == "npm"
    with pytest.raises(TrivyFailed, match="knows no vulnerable package"):
        canary("none", {"debian 12": {"curl": {"CVE-1": {"FixedVersion": "1"}}}})
