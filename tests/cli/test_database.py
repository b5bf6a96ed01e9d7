"""`compline db`: check with its exit code, prune that only counts unless told otherwise."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def own(scanned: Any, tmp_path: Path) -> Any:
    """A copy of the scanned site that may be written to."""
    home = tmp_path / "site"
    shutil.copytree(scanned.home, home, symlinks=True)
    copy = type(scanned)(home)
    copy.write()
    return copy


def change(site: Any, statement: str) -> None:
    with sqlite3.connect(site.home / "work" / "store" / "compline.db") as connection:
        assert connection.execute(statement).rowcount
    connection.close()


def test_check_of_a_store_that_is_well(own: Any) -> None:
    done = own.run("db", "check")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "ok      heads-agree" in lines


def test_check_says_what_is_broken_and_what_to_do(own: Any) -> None:
    change(own, "UPDATE findings SET scanners = 'nobody\x1b[31m'")
    change(own, "DELETE FROM heads")
    done = own.run("db", "check")
    assert done.exit_code == 1
    assert "BROKEN  seen-by-a-look: A witness that is seen has a head" in done.stdout
    assert "BROKEN  scanners-named" in done.stdout
    assert "\x1b" not in done.stdout, "what is shown comes from scanned repositories"
    assert "compline db check --mend" in done.stdout
    assert "3 invariants do not hold" in done.stderr
    mended = own.run("db", "check", "--mend")
    assert mended.exit_code == 1, "what cannot be derived is not mended"
    assert "ok      scanners-named" in mended.stdout
    assert "1 invariants do not hold" in mended.stderr


def test_prune_counts_first(own: Any) -> None:
    change(own, "INSERT INTO leases VALUES ('upkeep', 'me', '2020-01-01 00:00:00.000000')")
    for _ in range(2):
        done = own.run("db", "prune")
        assert done.exit_code == 0, done.output
        assert "would go" in done.stdout
        assert "1  leases that ran out" in done.stdout
        assert "nothing was removed" in done.stderr
    removed = own.run("db", "prune", "--yes", "--older-than", "1")
    assert removed.exit_code == 0, removed.output
    assert "1  leases that ran out" in removed.stdout
    assert "0  leases that ran out" in own.run("db", "prune").stdout
    assert own.run("db", "check").exit_code == 0
    assert own.run("evidence", "verify").exit_code == 0
