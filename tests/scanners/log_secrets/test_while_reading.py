"""Logs that change while they are read: they grow, are truncated, or rotated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.logs import growth

LINE = "2026-01-01 INFO a request was answered in 12 ms\n"


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen once, after the first piece of a log was read."""

    def arrange(happens: Callable[[], None]) -> None:
        monkeypatch.setattr(growth, "PIECE", 1 << 16)
        pieces, left = growth.Reader.pieces, [happens]

        def disturbed(reader: Any, most: int) -> Any:
            for piece in pieces(reader, most):
                yield piece
                if left:
                    left.pop()()

        monkeypatch.setattr(growth.Reader, "pieces", disturbed)

    return arrange


def append(log: Path, text: str) -> Callable[[], None]:
    def happens() -> None:
        with log.open("a") as file:
            file.write(text)

    return happens


def test_what_is_written_while_we_read_is_seen_this_night_or_the_next(
    logs: Any, token: str, other: str, meanwhile: Any
) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 3000 + f"{token}\n")
    meanwhile(append(log, LINE * 5 + f"{other}\n"))

    first = logs.look()
    second = logs.look()

    assert ("app.log", 3001) in logs.found(first)
    assert logs.found(second) == {("app.log", 3001), ("app.log", 3007)}
    assert logs.gaps(second) == {}


def test_a_log_that_is_truncated_while_we_read_is_read_anew(
    logs: Any, token: str, other: str, meanwhile: Any
) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 3000)

    def truncate() -> None:
        with log.open("r+") as file:
            file.truncate(0)
            file.write(f"{token}\n")

    meanwhile(truncate)
    logs.look()
    append(log, LINE * 4000 + f"{other}\n")()

    assert logs.found(logs.look()) == {("app.log", 1), ("app.log", 4002)}


def test_a_log_that_is_rotated_while_we_read_is_read_to_its_end(
    logs: Any, token: str, other: str, meanwhile: Any
) -> None:
    log = logs.folder / "app.log"
    log.write_text(LINE * 3000 + f"{token}\n")

    def rotate() -> None:
        log.rename(logs.folder / "app.log.1")
        log.write_text(f"{other}\n")

    meanwhile(rotate)
    first = logs.look()
    assert ("app.log", 3001) in logs.found(first), "under the name that it had"
    assert logs.found(logs.look()) == {("app.log.1", 3001), ("app.log", 1)}
