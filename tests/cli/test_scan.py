"""`compline scan`: what its exit code says, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest


def test_findings_and_clean(scanned: Any) -> None:
    assert scanned.run("scan", "--target", "web").exit_code == 1
    assert scanned.run("scan", "-t", "web", "--fail-at", "critical").exit_code == 0
    done = scanned.run("scan", "-t", "calm")
    assert done.exit_code == 0
    assert "No open findings." in done.stdout
    assert "unchanged since run" in done.stdout


def test_quiet_says_nothing(scanned: Any) -> None:
    done = scanned.run("scan", "--quiet", "-t", "web")
    assert (done.exit_code, done.output) == (1, "")


def test_a_missing_tool_is_incomplete(site: Any) -> None:
    done = site.run("scan")
    assert done.exit_code == 3
    assert "compline tools install bandit" in " ".join(done.stdout.split())
    assert "incomplete" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "wbe"], "no target named wbe; listed are: calm, web"),
        (["--scanner", "bandt"], "no scanner named bandt; there are bandit, semgrep"),
        (["--scanner", "semgrep"], "semgrep is disabled"),
        (["--other", "https://git.example.org/x"], "matches no pattern of `adhoc.allow`"),
        (["--other", "file:///x", "-t", "web"], "not both"),
        (["--revision=--upload-pack=x", "-t", "web"], "revision must be"),
        (["--fail-at", "grave"], "grave"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_wrong_usage(site: Any, arguments: list[str], message: str) -> None:
    done = site.run("scan", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert site.json("coverage", "--format", "json") == [], "no run was opened"


def test_an_allowed_address(scanned: Any) -> None:
    scanned.write(adhoc={"allow": [f"file://{scanned.home}/*"]})
    before = scanned.json("findings", "--format", "json")
    done = scanned.run("scan", "--other", f"file://{scanned.home}/web.git")
    scanned.write()
    assert done.exit_code == 1
    assert scanned.json("findings", "--format", "json") == before


def test_a_workspace_that_cannot_be_made(site: Any) -> None:
    (site.home / "file").write_text("")
    site.write(workspace="file")
    done = site.run("scan")
    assert done.exit_code == 2
    assert "the workspace" in done.stderr
    assert "Traceback" not in done.output


def test_a_store_that_is_not_one(site: Any) -> None:
    (site.home / "work" / "store").mkdir()
    (site.home / "work" / "store" / "compline.db").write_bytes(b"not a database, but long" * 99)
    done = site.run("scan")
    assert done.exit_code == 2
    assert "compline.db" in done.stderr


def test_an_interruption_is_neither_clean_nor_findings(
    scanned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("compline.cli.scan.run_once", interrupted)
    done = scanned.run("scan")
    assert done.exit_code == 130
    assert "what was recorded stands" in done.stderr


@pytest.mark.parametrize(("target", "code"), [("calm", 0), ("web", 1)])
def test_a_reader_that_goes_away_does_not_change_the_exit_code(
    scanned: Any, target: str, code: int
) -> None:
    """As with `compline scan | head -1` under pipefail."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "compline.cli", "scan", "-t", target, "-c", scanned.config],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
