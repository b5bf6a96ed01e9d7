"""Reading blobs: in order, one at a time, whatever is missing or damaged."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from compline.config.schema import Limits
from compline.source.errors import SourceError
from compline.source.git import Git
from compline.source.objects import Object, ObjectReader, sizes_of
from compline.source.snapshot import Snapshot


@pytest.fixture
def git(repository: Any) -> Git:
    return Git(Limits(git_seconds=30), repository.path)


def test_thousands_in_order_from_one_process(
    repository: Any, listed: Callable[..., Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"f{n:04}": os.urandom(n % 700) for n in range(1500)}
    repository.commit(files)
    snapshot = listed(repository)
    oids = [entry.oid for entry in reversed(snapshot.entries)] * 2
    started = []
    start = Git.start

    def note(git: Git, *arguments: str, **options: Any) -> Any:
        started.append(arguments)
        return start(git, *arguments, **options)

    monkeypatch.setattr(Git, "start", note)
    found = list(snapshot.read(iter(oids)))
    assert [oid for oid, _ in found] == oids
    contents = dict(found)
    assert {entry.path: contents[entry.oid] for entry in snapshot.entries} == files
    assert started == [("cat-file", "--batch")]


def test_missing_objects_are_none(repository: Any, git: Git) -> None:
    repository.commit({"a": "1", "b": "2"})
    a, b = repository.oid("main:a"), repository.oid("main:b")
    repository.remove(a)
    with ObjectReader(git, 100) as reader:
        assert list(reader.read([a, b, "f" * 40])) == [
            Object(a),
            Object(b, "blob", b"2"),
            Object("f" * 40),
        ]
    assert sizes_of(git, [a, b]) == {b: 1}


@pytest.mark.parametrize("damage", ["garbage", "cut short", "another's content"])
def test_damaged_objects_are_none_and_the_rest_is_read(
    repository: Any, git: Git, damage: str
) -> None:
    """git ends at the first damaged object; the others are not its fault."""
    repository.commit({f"f{n}": os.urandom(40_000) for n in range(6)})
    repository.unpack()
    oids = [repository.oid(f"main:f{n}") for n in range(6)]
    for n in (1, 2, 5):
        loose = repository.loose(oids[n])
        content = loose.read_bytes()
        loose.chmod(0o644)
        if damage == "garbage":
            loose.write_bytes(b"garbage")
        elif damage == "cut short":
            loose.write_bytes(content[: len(content) // 2])
        else:
            loose.write_bytes(repository.loose(oids[0]).read_bytes())
    with ObjectReader(git, 1 << 20) as reader:
        found = list(reader.read(oids))
    assert [item.oid for item in found] == oids
    whole = [n for n, item in enumerate(found) if item.content is not None]
    if damage == "another's content":
        # Not noticed by git when reading; fetching does check every object's hash.
        assert whole == list(range(6))
    else:
        assert whole == [0, 3, 4]
        assert all(len(found[n].content or b"") == 40_000 for n in whole)


def test_an_object_over_the_limit_is_passed_over(repository: Any, git: Git) -> None:
    repository.commit({"big": os.urandom(600_000), "small": "x"})
    big, small = repository.oid("main:big"), repository.oid("main:small")
    with ObjectReader(git, 599_999) as reader:
        assert list(reader.read([big, small])) == [Object(big, "blob"), Object(small, "blob", b"x")]
    with ObjectReader(git, 600_000) as reader:
        assert len(reader.one(big).content or b"") == 600_000


def test_a_reader_left_early_answers_the_next_question(repository: Any, git: Git) -> None:
    repository.commit({f"f{n}": str(n) for n in range(50)})
    oids = [repository.oid(f"main:f{n}") for n in range(50)]
    with ObjectReader(git, 100) as reader:
        for item in reader.read(oids):
            assert item.content == b"0"
            break
        assert reader.one(oids[7]).content == b"7"


def _gits() -> list[psutil.Process]:
    """Our git processes; the session's servers are children of ours too."""
    return [child for child in psutil.Process().children() if child.name() == "git"]


def test_no_process_is_left_when_reading_stops(
    repository: Any, listed: Callable[..., Snapshot]
) -> None:
    repository.commit({f"f{n}": os.urandom(200_000) for n in range(20)})
    snapshot = listed(repository)
    reading = snapshot.read(entry.oid for entry in snapshot.entries)
    next(reading)
    assert len(_gits()) == 1
    reading.close()  # type: ignore[attr-defined]
    assert _gits() == []


def test_only_ids_reach_git(repository: Any, git: Git) -> None:
    repository.commit({"a": "1"})
    with ObjectReader(git, 100) as reader:
        for name in ("HEAD:a", "main", "-x", "a" * 40 + "\n" + "b" * 40):
            with pytest.raises(ValueError, match="not a full git object id"):
                reader.one(name)


def test_a_killed_git_is_an_error_not_a_missing_object(repository: Any, git: Git) -> None:
    repository.commit({f"f{n}": os.urandom(400_000) for n in range(10)})
    oids = [repository.oid(f"main:f{n}") for n in range(10)]
    with ObjectReader(git, 1 << 20) as reader:
        reading = reader.read(oids)
        next(reading)
        [process] = _gits()
        process.send_signal(signal.SIGKILL)
        with pytest.raises(SourceError, match="ended by signal 9"):
            list(reading)


def test_reading_holds_one_object_at_a_time(
    repository: Any, listed: Callable[..., Snapshot]
) -> None:
    repository.commit({f"f{n}": bytes([n]) * 1_000_000 for n in range(25)})
    snapshot = listed(repository)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = sum(1 for _ in snapshot.read(entry.oid for entry in snapshot.entries))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert count == 25
    assert grown < 10_000  # kB, of 25,000


def test_a_repository_that_is_none(tmp_path: Path) -> None:
    git = Git(Limits(git_seconds=30), tmp_path)
    with pytest.raises(SourceError, match="does not tell the sizes"):
        sizes_of(git, ["0" * 40])
