"""`make bench`: `compline scan` against the naive loop, as ratios of medians in one run."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import corpus
from compare import differences, held
from nights import airflow_share, thousand_targets
from reference import Reference
from running import TREE_SCANNERS, coverage, findings, scan, write_config
from serving import moved_advisories, osv_url, trivy_cache

from compline.config.loader import load_config

BOUNDS = {"cold": 0.6, "unchanged": 0.02, "changed": 0.15, "advisories": 0.05}


@dataclass
class Figures:
    """Seconds of each repetition by phase, and what else was measured."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: dict[str, int] = field(default_factory=dict)
    files: int = 0
    changed_files: int = 0
    unexplained: int = 0
    """Statements that one side makes and the other does not, without a gap or stated exclusion."""
    extra: dict[str, float] = field(default_factory=dict)

    def add(self, phase: str, seconds: float, peak: int = 0) -> None:
        """One repetition of a phase; says so at once."""
        self.seconds.setdefault(phase, []).append(seconds)
        self.peak_mb[phase] = max(self.peak_mb.get(phase, 0), peak >> 20)
        print(f"  {phase:<12} {seconds:8.1f} s  {peak >> 20:>6} MiB", flush=True)

    def ratio(self, phase: str) -> float:
        """Median of the phase over the median of the naive loop."""
        return statistics.median(self.seconds[phase]) / statistics.median(self.seconds["naive"])


def measure(
    repositories: list[Path], home: Path, numbers: Sequence[int], *, compare: bool
) -> Figures:
    """All phases, once for each number, each with an empty workspace of its own.

    With `compare` the findings of the first repetition are held against what the tools say, after
    each phase.
    """
    figures = Figures(files=sum(len(_files(r)) for r in repositories))
    for number in numbers:
        print(f"repetition {number + 1}", flush=True)
        here = home / f"repetition-{number}"
        _once(repositories, here, figures, number, compare=compare and number == numbers[0])
        shutil.rmtree(here)
    return figures


def _once(
    repositories: list[Path], here: Path, figures: Figures, number: int, *, compare: bool
) -> None:
    own = [
        _copy(repository, here / "repositories" / repository.name) for repository in repositories
    ]
    old, new = moved_advisories(here / "advisories")
    log = here / "scan.log"
    config = write_config(here, own, osv=str(old.osv), trivy_db=str(old.trivy))
    settings = load_config(config)
    scratch = here / "reference"
    scratch.mkdir()
    with osv_url(settings) as url:
        reference = Reference(settings, scratch, trivy_cache(settings, scratch), url)
        began = time.monotonic()
        said = _naive(reference, own, here / "clones")
        figures.add("naive", time.monotonic() - began)
    figures.add("cold", *scan(config, log))
    if compare:
        figures.unexplained += _unexplained(said, config)
    figures.add("unchanged", *scan(config, log))
    figures.changed_files = corpus.change(own, 0.01, corpus.SEED + number)
    figures.add("changed", *scan(config, log))
    if compare:
        figures.unexplained += _compare_again(settings, own, here, config)
    config = write_config(here, own, osv=str(new.osv), trivy_db=str(new.trivy))
    figures.add("advisories", *scan(config, log))
    _no_sast(config)
    if compare:
        figures.unexplained += _compare_again(load_config(config), own, here, config)


def _naive(reference: Reference, repositories: list[Path], clones: Path) -> dict:  # type: ignore[type-arg]
    """Per repository: clone, then the reference commands one after the other."""
    said = {}
    for repository in repositories:
        clone = clones / repository.name
        subprocess.run(
            ["git", "clone", "--quiet", "--depth", "1", f"file://{repository}", clone], check=True
        )
        for scanner in TREE_SCANNERS:
            run = getattr(reference, scanner.replace("-", "_"))(clone)
            said[repository.name, scanner] = run
    shutil.rmtree(clones)
    return said


def _compare_again(settings, own: list[Path], here: Path, config: Path) -> int:  # type: ignore[no-untyped-def]
    """The tools once more on what there is now, untimed."""
    scratch = Path(tempfile.mkdtemp(dir=here))
    with osv_url(settings) as url:
        reference = Reference(settings, scratch, trivy_cache(settings, scratch), url)
        return _unexplained(_naive(reference, own, scratch / "clones"), config)


def _unexplained(said: dict, config: Path) -> int:  # type: ignore[type-arg]
    everything, rows = findings(config), coverage(config)
    count = 0
    for (name, scanner), run in said.items():
        mine = [one for one in everything if one["target"] == name]
        [row] = [r for r in rows if (r["target"], r["scanner"]) == (name, scanner)]
        for one in differences(run, held(mine, scanner), row["gaps"]):
            if not one.explanation:
                count += 1
                print(f"  unexplained: {name} {one.side} {one.statement}", flush=True)
    return count


def _no_sast(config: Path) -> None:
    """After a night on which only advisories changed, SAST looks are all reused."""
    fresh = {r["scanner"] for r in coverage(config) if r["reused_from"] is None}
    if fresh & {"bandit", "semgrep"}:
        raise SystemExit(f"only the advisories changed, and yet there were scans by {fresh}")


def _copy(repository: Path, to: Path) -> Path:
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", f"file://{repository}", to], check=True
    )
    return to


def _files(repository: Path) -> list[str]:
    return corpus.git(repository, "ls-files").splitlines()


def main() -> int:
    """Prints medians, ratios and bounds; 1 if a bound is missed or a finding differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repos", type=Path, help="folder of git repositories")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--packages", type=int, default=6, help="how many repositories to make")
    parser.add_argument(
        "--skip-nights", action="store_true", help="without Airflow and 1,000 targets"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="compline-bench-"))
    try:
        into = home / "repositories"
        into.mkdir()
        repositories = (
            corpus.given(given.repos, into) if given.repos else corpus.made(into, given.packages)
        )
        figures = measure(repositories, home, range(given.repetitions), compare=True)
        if not given.skip_nights:
            figures.extra |= airflow_share(home / "airflow")
            figures.extra |= thousand_targets(home / "thousand")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(asdict(figures), indent=2))
    return report(figures)


def report(figures: Figures) -> int:
    """Prints the table; 1 if a bound is missed."""
    print(f"\n{figures.files} files, {figures.changed_files} changed in the third phase")
    bad = figures.unexplained
    for phase, bound in BOUNDS.items():
        ratio = figures.ratio(phase)
        verdict = "within" if ratio <= bound else "OVER"
        bad += ratio > bound
        median = statistics.median(figures.seconds[phase])
        print(f"{phase:<12} {median:8.1f} s  ratio {ratio:6.3f}  bound {bound}  {verdict}  "
              f"peak {figures.peak_mb[phase]} MiB")  # fmt: skip
    for name, value in figures.extra.items():
        print(f"{name:<44} {value:10.1f}")
    print(f"findings that differ without explanation: {figures.unexplained}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
