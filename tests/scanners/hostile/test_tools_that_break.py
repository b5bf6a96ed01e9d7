"""A tool that hangs, crashes, floods, swells or lies when it sees a certain file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Look
from compline.scanners.interface import CannotScan, ScanContext

Looks = Callable[..., dict[str, Look]]
Behind = Callable[..., ScanContext]

WAYS = {
    "hangs": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "floods": "while True: sys.stdout.write('x' * 65536)",
    "swells": "block = bytearray(1400 << 20); time.sleep(5)",
    "talks nonsense": "print('all is well'); sys.exit(1)",
    "ends oddly": "subprocess.run([real, *sys.argv[1:]]); sys.exit(7)",
    "lies": "",
}
"""What happens, as Python; how a tool says that all is clean is its own."""
SPLIT = ("bandit", "semgrep", "trivy")
"""Scanners that go on without the file that breaks the tool."""
POISON = "zz-poison"


def broken(behind: Behind, trial: Any, way: str, when: str = POISON) -> ScanContext:
    body = "\n    ".join((WAYS[way] or trial.clean).splitlines())
    return behind(
        trial.name,
        f"if any({when!r} in text for text in texts.values()):\n    {body}",
        tool_seconds=60 if way != "hangs" else 4 if trial.name in SPLIT else 6,
        tool_output_mb=2,
        tool_memory_mb=1000,
    )


def seen(look: Look) -> list[str]:
    assert isinstance(look.outcome, Completed), look.outcome
    return [each.place.path for each in look.outcome.observations]


@pytest.mark.parametrize(
    ("name", "way"),
    # Of a trivy that misses its canary nothing of the batch is believed: see trivy/test_batch.py.
    [(name, way) for name in SPLIT for way in WAYS if (name, way) != ("trivy", "lies")],
)
def test_one_file_costs_its_own_coverage(
    name: str,
    way: str,
    behind: Behind,
    trials: Mapping[str, Any],
    looks: Looks,
    git_repository: Any,
) -> None:
    trial = trials[name]
    shop = git_repository(trial.files("one", POISON))
    other = git_repository(trial.files("other"), "other")
    found = looks(name, broken(behind, trial, way), shop.job(), other.job())
    hit = trial.path.format(n=1)
    assert seen(found["shop"]) == [trial.path.format(n=0)]
    [gap] = found["shop"].outcome.gaps  # type: ignore[union-attr]
    assert (gap.reason, gap.path) == (GapReason.CRASHED, hit)
    assert POISON not in gap.detail
    assert "/" not in gap.detail, "where the tool lies is this machine's own affair"
    assert (len(seen(found["other"])), found["other"].outcome.gaps) == (1, ())  # type: ignore[union-attr]


@pytest.mark.parametrize("way", WAYS)
def test_dependencies_are_looked_up_together_or_not_at_all(
    way: str, behind: Behind, trials: Mapping[str, Any], looks: Looks, git_repository: Any
) -> None:
    trial = trials["pip-audit"]
    shop = git_repository(trial.files("one", POISON))
    found = looks("pip-audit", broken(behind, trial, way), shop.job())
    outcome = found["shop"].outcome
    assert isinstance(outcome, Failed), outcome
    assert outcome.error
    assert POISON not in outcome.error
    assert "/" not in outcome.error, "where the tool lies is this machine's own affair"


@pytest.mark.parametrize("way", ["talks nonsense", "lies"])
@pytest.mark.parametrize("name", [*SPLIT, "pip-audit"])
def test_a_tool_that_always_breaks_is_not_believed(
    name: str,
    way: str,
    behind: Behind,
    trials: Mapping[str, Any],
    looks: Looks,
    git_repository: Any,
) -> None:
    """The known defect that it is tried with shows it."""
    trial = trials[name]
    within = broken(behind, trial, way, when="")
    job = git_repository(trial.files("one")).job()
    if name == "pip-audit":
        outcome = looks(name, within, job)["shop"].outcome
        assert isinstance(outcome, Failed)
        assert ("canary" if way == "lies" else "without a report") in outcome.error
    else:
        with pytest.raises(CannotScan, match="known defect"):
            looks(name, within, job)


@pytest.mark.parametrize("name", [*SPLIT, "pip-audit"])
def test_what_broke_is_looked_at_again(
    name: str, behind: Behind, trials: Mapping[str, Any], looks: Looks, git_repository: Any
) -> None:
    trial = trials[name]
    shop = git_repository(trial.files("one", POISON))
    first = looks(name, broken(behind, trial, "ends oddly"), shop.job())["shop"].outcome
    assert isinstance(first, Failed) or first.gaps  # type: ignore[union-attr]
    mended = looks(name, behind(name), shop.job())["shop"]
    assert {trial.path.format(n=n) for n in (0, 1)} == set(seen(mended))
    assert mended.outcome.gaps == ()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["bandit", "semgrep"])
def test_files_that_are_silently_left_out_are_gaps(
    name: str, behind: Behind, trials: Mapping[str, Any], looks: Looks, git_repository: Any
) -> None:
    trial = trials[name]
    within = behind(name, "sys.argv = [w for w in sys.argv if 'left out' not in texts.get(w, '')]")
    shop = git_repository(trial.files("left out", "x"))
    look = looks(name, within, shop.job())["shop"]
    assert seen(look) == ["f1.py"]
    [gap] = look.outcome.gaps  # type: ignore[union-attr]
    assert (gap.reason, gap.path) == (GapReason.NOT_REPORTED, "f0.py")
    alone = git_repository(trial.files("left out too"), "alone")
    assert isinstance(looks(name, within, alone.job())["alone"].outcome, Failed)


def test_a_pip_audit_that_cannot_ask_is_no_clean_one(
    behind: Behind, trials: Mapping[str, Any], looks: Looks, git_repository: Any
) -> None:
    nobody = "[word if '//127.0.0.1' not in word else 'http://127.0.0.1:9' for word in sys.argv]"
    shop = git_repository(trials["pip-audit"].files("x"))
    outcome = looks("pip-audit", behind("pip-audit", f"sys.argv = {nobody}"), shop.job())
    assert isinstance(outcome["shop"].outcome, Failed)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("bandit", "sys.argv[1:1] = ['--skip', 'B102']"),
        ("semgrep", "sys.argv[2:2] = ['--exclude-rule', 'compline-canary-taint']"),
        ("trivy", "sys.argv = [w.replace('secret', 'license') for w in sys.argv]"),
    ],
)
def test_a_tool_that_is_kept_from_finding_its_known_defect_is_not_believed(
    name: str,
    body: str,
    behind: Behind,
    trials: Mapping[str, Any],
    looks: Looks,
    git_repository: Any,
) -> None:
    shop = git_repository(trials[name].files("x"))
    with pytest.raises(CannotScan, match="known defect"):
        looks(name, behind(name, body), shop.job())


def test_semgrep_would_obey_no_ignore_file_if_it_went_through_the_folder_by_itself(
    behind: Behind, trials: Mapping[str, Any], looks: Looks, git_repository: Any, tmp_path: Path
) -> None:
    """Naming every file goes past them today; the options are for the day when it does not."""
    outer = tmp_path / "outer"
    subprocess.run(["git", "init", "--quiet", outer], check=True)
    (outer / ".gitignore").write_text("work\n")
    (outer / ".semgrepignore").write_text("*.py\n")
    body = "sys.argv = [w for w in sys.argv if w not in texts or w.endswith('.json')] + ['.']"
    within = replace(behind("semgrep", body), workspace=outer / "work")
    shop = git_repository(trials["semgrep"].files("x"))
    assert seen(looks("semgrep", within, shop.job())["shop"]) == ["f0.py"]
