"""A bandit that hangs, crashes, floods, swells or talks nonsense when it sees a certain file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Look
from compline.scanners.interface import CannotScan, ScanContext

Looks = Callable[..., dict[str, Look]]

WAYS = {
    "hangs": "time.sleep(600)",
    "crashes": "os.kill(os.getpid(), 11)",
    "floods": "sys.stdout.write('x' * (3 << 20))",
    "swells": "block = bytearray(400 << 20); time.sleep(600)",
    "talks nonsense": "print('all is well'); sys.exit(1)",
    "says nothing": "sys.exit(1)",
    "says that all is clean": """print('{"metrics": {"_totals": {}}, "errors": [], "results": []}')
    sys.exit(0)""",
    "ends oddly": """import subprocess
    subprocess.run([sys.executable, bandit, *sys.argv[1:]])
    sys.exit(7)""",
}


@pytest.mark.parametrize("way", WAYS)
def test_one_poisoned_file_costs_its_own_coverage(
    way: str, wrapped: Callable[..., ScanContext], looks: Looks, git_repository: Any
) -> None:
    within = wrapped(
        f"if any('poison' in text for text in texts.values()):\n    {WAYS[way]}",
        limits={
            "tool_seconds": 4 if way == "hangs" else 60,
            "tool_output_mb": 2,
            "tool_memory_mb": 300,
        },
    )
    shop = git_repository(
        {f"f{n}.py": f"exec({n})\n" for n in range(4)} | {"f2.py": "exec('poison')\n"}
    )
    other = git_repository({"f.py": "exec('other')\n"}, "other")
    found = looks(within, shop.job(), other.job())
    outcome = found["shop"].outcome
    assert isinstance(outcome, Completed), outcome
    assert [each.place.path for each in outcome.observations] == [f"f{n}.py" for n in (0, 1, 3)]
    assert [(gap.reason, gap.path) for gap in outcome.gaps] == [(GapReason.CRASHED, "f2.py")]
    assert "poison" not in outcome.gaps[0].detail
    other_outcome = found["other"].outcome
    assert isinstance(other_outcome, Completed)
    assert len(other_outcome.observations) == 1


def test_a_crash_is_not_remembered(
    wrapped: Callable[..., ScanContext],
    real: ScanContext,
    looks: Looks,
    git_repository: Any,
) -> None:
    shop = git_repository({"a.py": "exec('poison')\n", "b.py": "exec('x')\n"})
    broken = wrapped("if any('poison' in text for text in texts.values()): sys.exit(7)")
    first = looks(broken, shop.job())["shop"].outcome
    assert isinstance(first, Completed)
    assert len(first.gaps) == 1
    mended = looks(real, shop.job())["shop"].outcome
    assert isinstance(mended, Completed)
    assert (len(mended.observations), mended.gaps) == (2, ())


def test_files_that_bandit_silently_leaves_out_are_gaps(
    wrapped: Callable[..., ScanContext], looks: Looks, git_repository: Any
) -> None:
    within = wrapped(
        "sys.argv[1:] = [w for w in sys.argv[1:] if 'left out' not in texts.get(w, '')]"
    )
    shop = git_repository({"a.py": "exec('left out')\n", "b.py": "exec('x')\n"})
    outcome = looks(within, shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert [(gap.reason, gap.path) for gap in outcome.gaps] == [(GapReason.NOT_REPORTED, "a.py")]
    alone = git_repository({"a.py": "exec('left out too')\n"}, "alone")
    assert isinstance(looks(within, alone.job())["alone"].outcome, Failed)


def test_a_bandit_that_finds_nothing_any_more_is_not_trusted(
    wrapped: Callable[..., ScanContext], looks: Looks, git_repository: Any
) -> None:
    within = wrapped("sys.argv[1:1] = ['--skip', 'B102']")
    with pytest.raises(CannotScan, match="known defect"):
        looks(within, git_repository({"a.py": "exec('x')\n"}).job())
