"""How trivy is started, and what counts as an answer of its."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.advisories.errors import AdvisoryError
from compline.config.schema import Limits
from compline.scanners.trivy import command
from compline.scanners.trivy.command import RULES, Means, Trivy, TrivyFailed, scratch
from compline.tools.process import Finished, TimedOut
from compline.tools.toolbox import Tool

TOOL = Tool("trivy", Path("/nowhere/trivy"), "0.76.0", "d", Path("/nowhere"))
GIVEN = Means(TOOL, Limits(tool_seconds=30), None, None)
REPORT = json.dumps({"SchemaVersion": 2, "Results": []}).encode()


class Played:
    """Takes the call down and answers as it is told."""

    def __init__(self, code: int = 0, stdout: bytes = REPORT, stderr: bytes = b"") -> None:
        self.answer = Finished(code, stdout, stderr, 0.1, "limits")
        self.argv: list[str] = []
        self.options: dict[str, Any] = {}

    def __call__(self, argv: Any, **options: Any) -> Finished:
        self.argv, self.options = [str(word) for word in argv], options
        return self.answer


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Played], Trivy]:
    def make(played: Played) -> Trivy:
        monkeypatch.setattr(command, "run", played)
        return Trivy(GIVEN, tmp_path)

    return make


def test_it_reads_no_settings_but_ours_and_goes_nowhere(play: Any, tmp_path: Path) -> None:
    played = Played()
    report, _ = play(played).scan("fs", ["--scanners", "secret", tmp_path / "root"])
    assert report == json.loads(REPORT)
    options = dict(zip(played.argv, played.argv[1:], strict=False))
    assert Path(options["--config"]).read_text() == "{}\n"
    assert Path(options["--ignorefile"]).read_text() == ""
    assert Path(options["--secret-config"]).read_text() == RULES
    assert Path(options["--cache-dir"]).is_relative_to(tmp_path)
    assert options["--timeout"] == "90s"  # ours comes first, and ends its children too
    assert {
        "--offline-scan",
        "--skip-db-update",
        "--skip-java-db-update",
        "--skip-check-update",
        "--skip-vex-repo-update",
        "--skip-version-check",
        "--disable-telemetry",
    } <= set(played.argv)
    assert not played.options.get("network")
    assert list(Path(played.options["cwd"]).iterdir()) == []
    # It would start git from there to fetch Terraform's modules.
    assert played.options["env"]["PATH"] == str(played.options["cwd"])
    assert played.options["env"]["HTTPS_PROXY"] == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("played", "said"),
    [
        (Played(1, b"", b"2026\tFATAL\tFatal error\trun error: bad thing"), "code 1: run error"),
        (Played(137, b""), "code 137"),
        (Played(0, b""), "without a report"),
        (Played(0, b"[" * 100_000), "without a report"),
        (Played(0, b"[]"), "another shape"),
        (Played(0, b'{"SchemaVersion": 3}'), "another shape"),
    ],
)
def test_what_is_no_report_is_a_failure(play: Any, played: Played, said: str) -> None:
    with pytest.raises(TrivyFailed, match=said):
        play(played).scan("fs", [])


def test_what_a_failure_quotes_is_not_passed_on(play: Any, tmp_path: Path) -> None:
    log = f'2026\tFATAL\tFatal error\tparse {tmp_path}/root/x.yaml: near "password: hunter2"'
    with pytest.raises(TrivyFailed) as caught:
        play(Played(1, b"", log.encode())).scan("fs", [])
    assert "hunter2" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert "root/x.yaml" in str(caught.value)


def test_the_database_is_linked_into_a_cache_of_its_own(
    scene: Any, tools: Any, tmp_path: Path
) -> None:
    given = command.means(scene.context(tools("trivy")), "trivy")
    assert given.database is not None
    with scratch(given, tmp_path) as one, scratch(given, tmp_path) as two:
        assert one.directory != two.directory
        for each in (one, two):
            link = each.directory / "cache" / "db"
            assert link.resolve() == (given.database.directory / "db").resolve()
    assert not one.directory.exists()
    assert given.database.directory.exists()


def test_a_database_that_trivy_does_not_fetch_is_an_error_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played = Played(1)
    monkeypatch.setattr(command, "run", played)
    with pytest.raises(AdvisoryError, match=r"could not be fetched from its public registries"):
        command._download(TOOL, Limits(), "", tmp_path)
    assert "--db-repository" not in played.argv
    assert played.options["network"] is True
    with pytest.raises(AdvisoryError, match=r"mirror\.example.*set `advisories\.trivy_db`"):
        command._download(TOOL, Limits(), "mirror.example/db:2", tmp_path)
    assert played.argv[played.argv.index("--db-repository") + 1] == "mirror.example/db:2"

    def slow(*_: Any, **__: Any) -> Finished:
        raise TimedOut("longer than 900 s")

    monkeypatch.setattr(command, "run", slow)
    with pytest.raises(AdvisoryError, match="longer than 900 s"):
        command._download(TOOL, Limits(), "", tmp_path)
