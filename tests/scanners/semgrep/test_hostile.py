"""A Semgrep that hangs, crashes or talks nonsense when it sees a certain file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Look
from compline.scanners.interface import CannotScan, ScanContext

Looks = Callable[..., dict[str, Look]]
Wrapped = Callable[..., ScanContext]

WAYS = {
    "hangs": "time.sleep(600)",
    "crashes": "os.kill(os.getpid(), 11)",
    "talks nonsense": "print('Fatal error: exception Stack_overflow'); sys.exit(2)",
    "ends with a fatal error": """import subprocess
    subprocess.run([sys.executable, semgrep, *sys.argv[1:]])
    sys.exit(2)""",
    "says that all is clean": """print('{"paths": {"scanned": []}, "results": [], "errors": []}')
    sys.exit(0)""",
}


@pytest.mark.parametrize("way", WAYS)
def test_one_poisoned_file_costs_its_own_coverage(
    way: str, wrapped: Wrapped, looks: Looks, git_repository: Any
) -> None:
    within = wrapped(
        f"if any('poison' in text for text in texts.values()):\n    {WAYS[way]}",
        limits={"tool_seconds": 4 if way == "hangs" else 60},
    )
    shop = git_repository({"a.py": "eval(1)\n", "b.py": "eval('poison')\n", "c.py": "eval(2)\n"})
    other = git_repository({"f.py": "eval('other')\n"}, "other")
    found = looks(within, shop.job(), other.job())
    outcome = found["shop"].outcome
    assert isinstance(outcome, Completed), outcome
    assert [each.place.path for each in outcome.observations] == ["a.py", "c.py"]
    assert [(gap.reason, gap.path) for gap in outcome.gaps] == [(GapReason.CRASHED, "b.py")]
    other_outcome = found["other"].outcome
    assert isinstance(other_outcome, Completed)
    assert len(other_outcome.observations) == 1


def test_files_that_semgrep_silently_leaves_out_are_gaps(
    wrapped: Wrapped, looks: Looks, git_repository: Any
) -> None:
    within = wrapped(
        "sys.argv[1:] = [w for w in sys.argv[1:] if 'left out' not in texts.get(w, '')]"
    )
    shop = git_repository({"a.py": "eval('left out')\n", "b.py": "eval('x')\n"})
    outcome = looks(within, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert [(gap.reason, gap.path) for gap in outcome.gaps] == [(GapReason.NOT_REPORTED, "a.py")]
    alone = git_repository({"a.py": "eval('left out too')\n"}, "alone")
    assert isinstance(looks(within, alone.job())["alone"].outcome, Failed)


def test_a_semgrep_that_runs_other_rules_is_not_trusted(
    wrapped: Wrapped, looks: Looks, git_repository: Any
) -> None:
    within = wrapped(
        "sys.argv[1:1] = ['--exclude-rule', 'compline-canary-taint']\n"
        "sys.argv[1], sys.argv[2], sys.argv[3] = sys.argv[3], sys.argv[1], sys.argv[2]"
    )
    with pytest.raises(CannotScan, match="known defect"):
        looks(within, git_repository({"a.py": "eval('x')\n"}).job())
