"""Night after night: what grew is read, rotations keep the secret, nothing is taken back."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, GapReason
from compline.scanners.logs import growth, night

LINE = "2026-01-01 INFO a request was answered in 12 ms\n"


def subjects(look: Any) -> set[str]:
    return {each.subject for each in look.outcome.observations}


def test_a_secret_is_found_at_its_line_and_never_shown(logs: Any, token: str, scene: Any) -> None:
    (logs.folder / "app.log").write_text(LINE * 3 + f"Authorization: {token}\n" + LINE)
    (logs.folder / "clean.log").write_text(LINE * 3)

    look = logs.look()

    assert logs.found(look) == {("app.log", 4)}
    (one,) = look.outcome.observations
    assert one.subject.startswith("hmac:")
    assert look.sandbox
    assert token not in repr(look)
    kept = b"".join(p.read_bytes() for p in scene.home.rglob("*") if p.is_file())
    assert token.encode() not in kept
    assert all(token.encode() not in value for value in scene.cache.values.values())


def test_only_what_grew_is_read(logs: Any, token: str, other: str, scene: Any) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 2000 + f"{token}\n")
    first = logs.look()
    assert logs.found(first) == {("app.log", 2001)}
    assert logs.read(scene, first) == {"app.log": log.stat().st_size}

    assert logs.read(scene, logs.look()) == {"app.log": 0}

    with log.open("a") as file:
        file.write(LINE * 10 + f"{other}\n")
    second = logs.look()
    assert logs.found(second) == {("app.log", 2001), ("app.log", 2012)}
    assert logs.read(scene, second) == {"app.log": len(LINE) * 10 + len(other) + 1}


def test_a_secret_that_is_written_in_two_steps(logs: Any, token: str) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 2000 + token[:12])
    assert logs.found(logs.look()) == set()

    with log.open("a") as file:
        file.write(token[12:] + "\n")

    assert logs.found(logs.look()) == {("app.log", 2001)}


@pytest.mark.parametrize("how", ["renamed", "copied", "packed"])
def test_a_rotation_moves_the_secret_and_reads_nothing_twice(
    logs: Any, token: str, scene: Any, how: str
) -> None:
    log, rotated = logs.folder / "app.log", logs.folder / "app.log.1"
    log.write_text(LINE * 200 + f"{token}\n")
    before = logs.look()
    if how == "renamed":
        log.rename(rotated)
    elif how == "copied":
        rotated.write_bytes(log.read_bytes())
    else:
        rotated = logs.folder / "app.log.1.gz"
        rotated.write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
    log.write_text("")

    after = logs.look()

    assert logs.found(after) == {(rotated.name, 201)}
    assert subjects(after) == subjects(before)
    assert logs.read(scene, after) == {rotated.name: 0, "app.log": 0}


def test_a_truncated_log_is_read_anew(logs: Any, token: str, other: str) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 2000 + f"{token}\n")
    logs.look()
    with log.open("r+") as file:  # the same inode, longer than before
        file.truncate(0)
        file.write(f"{other}\n" + LINE * 3000)

    assert logs.found(logs.look()) == {("app.log", 1)}


def test_a_log_that_begins_as_the_one_before_it(logs: Any, token: str) -> None:
    log = logs.folder / "app.log"
    banner = LINE * 200
    log.write_text(banner + LINE * 1000)
    logs.look()
    with log.open("r+") as file:
        file.truncate(0)
        file.write(banner + f"{token}\n" + "another line altogether\n" * 3000)

    assert logs.found(logs.look()) == {("app.log", 201)}


def test_what_was_logged_stays_a_finding_unless_it_is_said_to_close(logs: Any, token: str) -> None:
    (logs.folder / "app.log").write_text(f"{token}\n")
    logs.look()
    (logs.folder / "app.log").write_text(LINE)

    stays = logs.look()
    (gap,) = stays.outcome.gaps
    assert gap.reason is GapReason.PARTIAL
    assert gap.covers("anything", "hmac:any")
    assert logs.look(closes=True).outcome == Completed((), ())


def test_the_same_secret_many_times_is_one_place_per_log(logs: Any, token: str) -> None:
    (logs.folder / "a.log").write_text(f"{token}\n" * 500)
    (logs.folder / "b.log").write_text(LINE + f"{token}\n" * 2)

    look = logs.look()

    assert logs.found(look) == {("a.log", 1), ("b.log", 2)}
    assert len(subjects(look)) == 1


def test_secrets_across_seams_and_in_huge_lines(
    logs: Any, token: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "PIECE", 1 << 16)
    monkeypatch.setattr(night, "_BATCH_BYTES", 1 << 18)
    filling = "x" * ((1 << 16) - 20)
    text = filling + f" {token} " + "y " * 300_000 + f"{other}\n" + LINE * 3 + f"{token}\n"
    (logs.folder / "app.log").write_text(text)

    assert logs.found(logs.look()) == {("app.log", 1)}
    assert len(subjects(logs.look())) == 2


def test_a_bound_on_what_is_read_is_a_gap_and_the_next_night_goes_on(logs: Any, token: str) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 30_000 + f"{token}\n")
    section = {"read_mb": 1}

    first = logs.look(section=section)
    assert (logs.found(first), logs.gaps(first)) == (set(), {"app.log": "too-large"})

    second = logs.look(section=section)
    assert (logs.found(second), logs.gaps(second)) == ({("app.log", 30_001)}, {})


def test_a_fresh_look_reads_everything_again(logs: Any, token: str, scene: Any) -> None:
    (logs.folder / "app.log").write_text(f"{token}\n")
    logs.look()
    assert logs.read(scene, logs.look(fresh=True)) == {"app.log": len(token) + 1}


def test_memory_stays_bounded(logs: Any, tmp_path: Path) -> None:
    """Reading holds pieces, not the log: pieces of a sparse gigabyte come one by one."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with path.open("rb") as file:
        reader = growth.Reader(file, None)
        longest = max(len(piece.content) for piece in reader.pieces(64 << 20))
    assert longest <= growth.PIECE + growth.OVERLAP
    assert not reader.whole
    assert reader.offset == 64 << 20
