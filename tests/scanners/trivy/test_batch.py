"""Batches that break: the poison is found, the neighbours lose nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compline.model import Gap, GapReason
from compline.scanners.trivy import batch as batch_module
from compline.scanners.trivy import command
from compline.scanners.trivy.batch import Batch, Outcome, TreeReport, Unit
from compline.scanners.trivy.canary import CANARY_LICENCE, CANARY_PACKAGE, CanaryMissed, check_tree
from compline.scanners.trivy.command import Means, TrivyFailed
from compline.scanners.trivy.packages import ListedPackage
from compline.tools.process import Aborted, Finished, TimedOut
from compline.tools.toolbox import Tool

KINDS = ("vuln", "misconfig", "secret", "license")


def canary_results(tag: str) -> list[dict[str, Any]]:
    secret = {"RuleID": "x", "StartLine": 1, "EndLine": 1}
    return [
        {"Target": f"{tag}/Dockerfile", "Misconfigurations": [{"ID": "DS-0002"}]},
        {"Target": f"{tag}/tests/canary.md", "Secrets": [secret]},
        {"Target": f"{tag}/canary.svg", "Secrets": [secret]},
        {"Target": f"{tag}/package-lock.json", "Packages": [{"Name": CANARY_PACKAGE}]},
        {"Target": f"{tag}/package-lock.json", "Licenses": [{"Name": CANARY_LICENCE}]},
    ]


@dataclass
class Played:
    """Plays `trivy fs`: reports each file that it is given, and breaks on poison."""

    poison: str = "poison"
    error: Exception | None = None
    code: int = 0
    stdout: bytes | None = None
    stderr: bytes = b""
    blind: bool = False
    always: bool = False
    given: list[list[str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __call__(self, argv: Sequence[object], **options: Any) -> Finished:
        self.seconds.append(options["limits"].seconds)
        root = Path(str(argv[-1]))
        files = sorted(
            path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
        )
        canary = next(file.partition("/")[0] for file in files if file.endswith("canary.md"))
        scanned = [file for file in files if not file.startswith(canary)]
        self.given.append([file.partition("/")[2] for file in scanned])
        if self.always or any(file.endswith(self.poison) for file in scanned):
            if self.error is not None:
                raise self.error
            return Finished(self.code, self.stdout or b"", self.stderr, 0.1, "limits")
        results = [{"Target": file, "Class": "config"} for file in scanned]
        if any(file.endswith(".tfplan") for file in scanned):
            results.append({"Target": "inner.tf", "Class": "config"})
        results += [
            {"Target": f"registry.example/m/{file}", "Class": "config"}
            for file in scanned
            if file.endswith(".terraform/a.tf")
        ]
        results += [] if self.blind else canary_results(canary)
        report = {"SchemaVersion": 2, "Results": results}
        return Finished(0, json.dumps(report).encode(), b"", 0.1, "limits")


def read(
    _unit: Unit, _directory: Path, results: Sequence[dict[str, Any]], _blunted: Mapping[str, str]
) -> TreeReport:
    """Everything that was reported, as packages."""
    return TreeReport(
        packages=tuple(ListedPackage("x", "x", "1", "", each["Target"]) for each in results)
    )


@pytest.fixture
def scan(
    scene: Any, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Outcome]]:
    def make(
        played: Played,
        *trees: Sequence[str],
        reader: Any = read,
        seconds: int = 900,
        content: str = "",
    ) -> list[Outcome]:
        monkeypatch.setattr(command, "run", played)
        context = scene.context(None, limits={"tool_seconds": seconds})
        tool = Tool("trivy", Path("/nowhere/trivy"), "0.76.0", "d", Path("/nowhere"))
        given = Means(tool, context.config.limits, None, None)
        units = []
        for paths in trees:
            snapshot = repository({path: path + content for path in paths}).snapshot
            units.append(Unit(snapshot, snapshot.entries))
        return Batch(KINDS, given, context, reader).scan(units)

    return make


def paths(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, TreeReport)
    return sorted(package.path for package in outcome.packages)


def test_trees_share_a_process_and_keep_apart(scan: Any) -> None:
    played = Played()
    one, two = scan(played, ["a.tf", "dev/b.tf"], ["a.tf"])
    assert (paths(one), paths(two)) == (["a.tf", "dev/b.tf"], ["a.tf"])
    assert len(played.given) == 1


@pytest.mark.parametrize(
    "broken",
    [
        Played(error=Aborted("ended by signal SIGSEGV")),
        Played(error=TimedOut("too long")),
        Played(code=1, stderr=b"2026\tFATAL\tFatal error\trun error"),
        Played(code=0, stdout=b"garbage"),
        Played(code=0, stdout=b"{}"),
        Played(code=0, stdout=b"[" * 100_000),
    ],
)
def test_one_hostile_file_costs_its_own_coverage_alone(scan: Any, broken: Played) -> None:
    good = [f"f{number}.tf" for number in range(6)]
    outcomes = scan(broken, ["a.tf"], [*good, "x/poison"], ["b.tf", "c.tf"])
    assert [paths(outcome) for outcome in outcomes] == [["a.tf"], good, ["b.tf", "c.tf"]]
    (gap,) = outcomes[1].gaps
    assert (gap.reason, gap.path) == (GapReason.CRASHED, "x/poison")
    assert outcomes[0].gaps == outcomes[2].gaps == ()


def test_a_trivy_that_breaks_by_itself_is_not_split(scan: Any) -> None:
    played = Played(error=Aborted("ended by signal SIGILL"), always=True)
    outcomes = scan(played, ["a.tf", "b.tf"], ["c.tf"])
    assert len(played.given) == 2  # the batch, and the canary alone
    for outcome in outcomes:
        assert isinstance(outcome, TrivyFailed)
        assert "even on its canary alone" in str(outcome)


def test_a_missed_canary_fails_the_whole_batch(scan: Any) -> None:
    played = Played(blind=True)
    outcomes = scan(played, ["a.tf"], ["b.tf"])
    assert all(isinstance(outcome, CanaryMissed) for outcome in outcomes)
    assert len(played.given) == 1


def test_the_search_for_the_poison_ends_in_time(scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 700))
    # Of that module alone: another clock for the whole process stops every event loop in it.
    slow = SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(batch_module, "time", slow)
    played = Played(error=TimedOut("too long"))
    (outcome,) = scan(played, [*(f"f{number}" for number in range(500)), "poison"])
    assert isinstance(outcome, TrivyFailed)
    assert "no time left" in str(outcome)
    assert len(played.given) < 12


def test_what_hangs_is_given_up_the_sooner_the_less_is_left(scan: Any) -> None:
    played = Played(error=TimedOut("too long"))
    trees = [f"f{number}" for number in range(7)], ["poison"]
    outcomes = scan(played, *trees, content="x" * (1 << 20))
    assert [gap.path for outcome in outcomes for gap in outcome.gaps] == ["poison"]
    # All eight, the canary alone, one half and the other.
    assert played.seconds == [660, 180, 600, 240]
    played = Played(error=TimedOut("too long"))
    scan(played, *trees, seconds=7)
    assert set(played.seconds) == {7}


def test_odd_results_of_one_tree_fail_it_alone(scan: Any) -> None:
    def odd(unit: Unit, *rest: Any) -> TreeReport:
        if any(entry.path == "odd" for entry in unit.entries):
            raise KeyError("StartLine")
        return read(unit, *rest)

    first, second = scan(Played(), ["odd"], ["a.tf"], reader=odd)
    assert isinstance(first, TrivyFailed)
    assert paths(second) == ["a.tf"]


def test_a_result_that_does_not_say_of_which_tree_it_is_is_not_lost(scan: Any) -> None:
    """Files inside a stored plan of Terraform's are reported by their own names alone."""
    played = Played()
    outcomes = scan(played, ["a.tf"], ["x.tfplan"], ["b.tf"])
    assert [paths(outcome) for outcome in outcomes] == [
        ["a.tf"],
        ["inner.tf", "x.tfplan"],
        ["b.tf"],
    ]
    assert len(played.given) == 4  # all together, then each alone


def test_a_downloaded_module_is_known_by_its_copy_in_the_tree(scan: Any) -> None:
    one, two = scan(Played(), ["m/.terraform/a.tf"], ["a.tf"])
    assert paths(one) == ["m/.terraform/a.tf", "m/.terraform/a.tf"]
    assert paths(two) == ["a.tf"]


def test_a_missing_object_is_a_gap(scene: Any, repository: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "run", Played())
    context = scene.context(None)
    snapshot = repository({"a.tf": "a", "b.tf": "b"}).snapshot
    snapshot.lose("b.tf")
    tool = Tool("trivy", Path("/nowhere/trivy"), "0.76.0", "d", Path("/nowhere"))
    given = Means(tool, context.config.limits, None, None)
    (outcome,) = Batch(KINDS, given, context, read).scan([Unit(snapshot, snapshot.entries)])
    assert paths(outcome) == ["a.tf"]
    assert outcome.gaps == (Gap(GapReason.MISSING_OBJECT, "b.tf"),)


@pytest.mark.parametrize("kind", KINDS)
def test_each_family_has_its_canary(kind: str) -> None:
    results = [
        {**result, "Target": result["Target"].partition("/")[2]} for result in canary_results("tag")
    ]
    check_tree(results, KINDS)
    part = {"vuln": "Packages", "misconfig": "Misconfigurations", "secret": "Secrets"}
    missing = part.get(kind, "Licenses")
    blind = [{**result, missing: []} for result in results]
    with pytest.raises(CanaryMissed, match=kind):
        check_tree(blind, KINDS)
    check_tree(blind, [each for each in KINDS if each != kind])


def test_both_hidden_lists_of_the_secret_scanner_have_a_canary() -> None:
    results = [
        {**result, "Target": result["Target"].partition("/")[2]} for result in canary_results("tag")
    ]
    for path in ("tests/canary.md", "canary.svg"):
        with pytest.raises(CanaryMissed, match="secret"):
            check_tree([each for each in results if each["Target"] != path], ["secret"])


def test_nothing_of_a_scan_stays_on_disk(scan: Any, scene: Any) -> None:
    scan(Played(error=Aborted("ended")), ["a.tf", "poison"])
    left = list((scene.home / "workspace").rglob("*.tf"))
    assert left == []
