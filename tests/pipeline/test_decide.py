"""The plan is pure: what may be reused, and what has to be looked at again."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.model import ScanKey, Target, TargetKind
from compline.pipeline.heads import Seen
from compline.pipeline.plan import decide
from compline.store.looks import LastLook

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ScanKey("tool", "1")
REPOSITORY = Target(TargetKind.REPOSITORY, "web", "https://git.example.org/web")
STORE = Target(TargetKind.DATA_STORE, "ledger", "postgresql")
SEEN = Seen(REPOSITORY, NOW, revision="c" * 40, ref="refs/heads/main")
LAST = LastLook(
    target="web", scanner="bandit", outcome="completed", looked_at=NOW, run=7, held=False,
    completed_at=NOW, scanned_run=5, revision="c" * 40, ref="refs/heads/main",
    scan_key=KEY.digest, scan_key_parts=KEY, tool_version="1", advisory_date="",
    observations=3, gaps=0,
)  # fmt: skip


def decided(
    seen: Seen = SEEN,
    last: LastLook | None = LAST,
    key: ScanKey | None = KEY,
    scanner: str = "bandit",
    *,
    fresh: bool = False,
) -> Any:
    """(reused scanners, scanners to run, those that must not read caches)."""
    known = {(last.target, last.scanner): last} if last else {}
    keys = {scanner: key} if key else {}
    [(work, reuses)] = decide(
        [seen], [scanner], keys, known, lambda _look, _now: ("old",), fresh=fresh
    )
    assert work.target is seen.target
    assert work.error == seen.error
    # What must be said of a reused look by now goes with it.
    assert all(reuse.warnings == ("old",) for reuse in reuses)
    return tuple(r.scanner for r in reuses), work.scanners, work.fresh


def test_the_same_again_is_reused() -> None:
    assert decided() == (("bandit",), (), ())


@pytest.mark.parametrize(
    "last",
    [
        None,
        replace(LAST, completed_at=None),
        replace(LAST, revision="d" * 40),
        replace(LAST, scan_key=replace(KEY, rules="other").digest),
        replace(LAST, revision="", scan_key=""),
    ],
    ids=["never looked", "never completed", "other revision", "other key", "nothing recorded"],
)
def test_what_differs_is_scanned(last: LastLook | None) -> None:
    assert decided(last=last) == ((), ("bandit",), ())


def test_a_failure_since_does_not_spoil_the_completed_look() -> None:
    assert decided(last=replace(LAST, outcome="failed", run=9)) == (("bandit",), (), ())


def test_without_a_key_nothing_is_reused() -> None:
    assert decided(key=None, last=replace(LAST, scan_key="")) == ((), ("bandit",), ())


def test_a_held_drop_is_scanned_fresh() -> None:
    assert decided(last=replace(LAST, held=True)) == ((), ("bandit",), ("bandit",))


def test_fresh_reuses_nothing() -> None:
    assert decided(fresh=True) == ((), ("bandit",), ("bandit",))


def test_services_are_always_asked() -> None:
    seen = Seen(STORE, NOW)
    last = replace(LAST, target="ledger", scanner="data-expectations", revision="")
    assert decided(seen, last, scanner="data-expectations") == ((), ("data-expectations",), ())


def test_what_could_not_be_asked_is_not_reused_and_keeps_its_error() -> None:
    seen = Seen(REPOSITORY, NOW, error="gone")
    assert decided(seen, replace(LAST, revision="")) == ((), ("bandit",), ())


def test_a_scanner_gets_only_its_kinds_of_target() -> None:
    [(work, reuses)] = decide(
        [SEEN], ["bandit", "trivy-image"], {}, {}, lambda _look, _now: (), fresh=False
    )
    assert work.scanners == ("bandit",)
    assert reuses == ()
