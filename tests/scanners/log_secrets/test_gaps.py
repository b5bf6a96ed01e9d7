"""Logs that cannot be looked at are gaps, and never clean."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Skipped
from compline.scanners.interface import CannotScan
from compline.scanners.logs.files import files_of
from compline.scanners.trivy import batch as trivy_batch


def test_packed_damaged_binary_and_unknown(logs: Any, token: str) -> None:
    text = f"first\n{token}\n".encode() * 50
    packed = gzip.compress(os.urandom(50_000).hex().encode() + text)
    (logs.folder / "good.log.gz").write_bytes(gzip.compress(text))
    (logs.folder / "cut.log.gz").write_bytes(packed[: len(packed) // 2])
    (logs.folder / "broken.log.gz").write_bytes(packed[:200] + b"\0" * 50 + packed[250:])
    (logs.folder / "old.log.xz").write_bytes(b"\xfd7zXZ\0" + b"rest")
    (logs.folder / "journal.log").write_bytes(bytes(range(32)) * 100)
    (logs.folder / "odd.log").write_bytes(b"\0\x01 a line with few odd bytes " + text)

    look = logs.look()

    assert logs.found(look) == {("good.log.gz", 2), ("odd.log", 2)}
    assert logs.gaps(look) == {
        "cut.log.gz": "truncated",
        "broken.log.gz": "truncated",
        "old.log.xz": "unsupported",
        "journal.log": "unsupported",
    }


def test_what_is_not_there_or_may_not_be_read(
    logs: Any, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logs.folder / "app.log").write_text(f"{token}\n")
    (logs.folder / "gone.log").symlink_to(logs.folder / "nowhere")
    (logs.folder / "closed.log").write_text("x\n")
    plain = Path.open

    def refusing(path: Path, *arguments: Any, **words: Any) -> Any:
        if path.name == "closed.log":
            raise PermissionError(13, "Permission denied")
        return plain(path, *arguments, **words)

    monkeypatch.setattr(Path, "open", refusing)
    missing = str(logs.folder / "other.log")

    look = logs.look(files=[f"{logs.folder}/*.log", missing])

    assert logs.found(look) == {("app.log", 1)}
    assert logs.gaps(look) == {
        "gone.log": "forbidden",
        "closed.log": "forbidden",
        "other.log": "missing-object",
    }


def test_folders_that_may_not_be_listed_are_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "app.log").write_text("x\n")
    plain = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", refusing)

    logs, gaps = files_of([f"{tmp_path}/**/*.log"], 10)

    assert [log.shown for log in logs] == [f"{tmp_path}/open/app.log"]
    assert [(gap.reason, gap.path) for gap in gaps] == [
        (GapReason.FORBIDDEN, f"{tmp_path}/closed/")
    ]


def test_nothing_to_look_at(logs: Any) -> None:
    assert isinstance(logs.look().outcome, Skipped)
    failed = logs.look(files=["/nowhere/at/all/*.log"]).outcome
    assert isinstance(failed, Failed)
    assert "no log could be looked at: /nowhere/at/all/" in failed.error


def test_more_files_than_the_bound(logs: Any) -> None:
    for number in range(4):
        (logs.folder / f"{number}.log").write_text("x\n")
        os.utime(logs.folder / f"{number}.log", (number, number))

    look = logs.look(section={"newest": 3})

    (gap, _) = look.outcome.gaps
    assert (gap.reason, gap.count) == (GapReason.TOO_MANY, 1)


def test_a_file_with_two_names_counts_once(logs: Any, token: str) -> None:
    (logs.folder / "app.log").write_text(f"{token}\n")
    (logs.folder / "current.log").symlink_to(logs.folder / "app.log")
    assert logs.found(logs.look()) == {("app.log", 1)}


def test_without_a_key_nothing_is_looked_at(logs: Any, scene: Any) -> None:
    key = scene.context(None).workspace / "secret.key"
    key.parent.mkdir(parents=True)
    key.write_text("not a key\n")
    key.chmod(0o600)
    with pytest.raises(CannotScan, match="restore it from a backup"):
        logs.look()


def test_the_canary_is_scanned_alone_once_for_each_key(
    logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved = []
    prove = trivy_batch.Batch.prove
    monkeypatch.setattr(trivy_batch.Batch, "prove", lambda self: proved.append(prove(self)))
    logs.look()
    logs.look()
    assert len(proved) == 1

    def missed(*_: Any) -> None:
        raise trivy_batch.CanaryMissed("trivy missed its canary (secret)")

    monkeypatch.setattr(trivy_batch, "check_tree", missed)
    monkeypatch.setattr(trivy_batch, "_PROVED", "of another key")
    with pytest.raises(CannotScan, match="does not find the known defects"):
        logs.look()


def test_a_trivy_that_misses_its_canary_is_not_believed(
    logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logs.folder / "app.log").write_text("x\n")
    assert isinstance(logs.look().outcome, Completed)

    def missed(*_: Any) -> None:
        raise trivy_batch.CanaryMissed("trivy missed its canary (secret)")

    monkeypatch.setattr(trivy_batch, "check_tree", missed)
    (logs.folder / "more.log").write_text("y\n")
    outcome = logs.look().outcome
    assert isinstance(outcome, Failed)
    assert outcome.canary_missed
