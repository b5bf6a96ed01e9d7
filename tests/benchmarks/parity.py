"""`make parity`: finding by finding, the store against the tools run directly on a checkout."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import corpus
from compare import Difference, differences, held
from reference import Reference, Statement
from running import TREE_SCANNERS, coverage, findings, scan, write_config
from serving import osv_url, trivy_cache

from compline.config.loader import load_config


def main() -> int:
    """Prints a table per scanner; 1 if a difference has no explanation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repos", type=Path, help="folder of git repositories")
    parser.add_argument("--keep", type=Path, help="work here and keep it")
    given = parser.parse_args()
    home = given.keep or Path(tempfile.mkdtemp(prefix="compline-parity-"))
    try:
        (home / "repositories").mkdir(parents=True, exist_ok=True)
        into = home / "repositories"
        repositories = corpus.given(given.repos, into) if given.repos else corpus.made(into, 4)
        config = write_config(home, repositories)
        scan(config, home / "scan.log")
        (home / "reference").mkdir(exist_ok=True)
        found = compare(config, repositories, home / "reference")
    finally:
        if not given.keep:
            shutil.rmtree(home, ignore_errors=True)
    return report(found)


def compare(
    config: Path, repositories: list[Path], scratch: Path
) -> dict[tuple[str, str], tuple[int, list[Difference]]]:
    """(repository, scanner) to how many statements the tool made, and the differences.

    Takes the configuration of a scan of these repositories that is done.
    """
    everything, rows = findings(config), coverage(config)
    settings = load_config(config)
    result = {}
    with osv_url(settings) as url:
        reference = Reference(settings, scratch, trivy_cache(settings, scratch), url)
        for repository in repositories:
            mine = [one for one in everything if one["target"] == repository.name]
            for scanner in TREE_SCANNERS:
                row = next(
                    r for r in rows if (r["target"], r["scanner"]) == (repository.name, scanner)
                )
                said = getattr(reference, scanner.replace("-", "_"))(repository)
                found = differences(said, held(mine, scanner), row["gaps"])
                result[repository.name, scanner] = (len(said.statements), found)
                print(f"{repository.name:<28} {scanner:<10} {len(said.statements):>6} statements, "
                      f"{len(found)} differences", flush=True)  # fmt: skip
    return result


def report(found: dict[tuple[str, str], tuple[int, list[Difference]]]) -> int:
    """Prints what differs and why; 1 if anything is unexplained."""
    explained: Counter[str] = Counter()
    unexplained: list[tuple[str, Difference]] = []
    for (repository, scanner), (_, differing) in found.items():
        for one in differing:
            if one.explanation:
                reason = " ".join(one.explanation.split()[:2]).rstrip(":")
                explained[f"{scanner}, {one.side}, {reason}"] += 1
            else:
                unexplained.append((repository, one))
    said = sum(count for count, _ in found.values())
    print(f"\n{said} statements compared; {explained.total()} differences are explained:")
    for reason, count in explained.most_common():
        print(f"  {count:>6}  {reason}")
    print(f"{len(unexplained)} are not:")
    for repository, one in unexplained[:100]:
        print(f"  {repository}: {one.side} {_shown(one.statement)}")
    return 1 if unexplained else 0


def _shown(one: Statement) -> str:
    return f"{one.scanner} {one.rule} {one.path}:{one.line} {one.what}"


if __name__ == "__main__":
    sys.exit(main())
