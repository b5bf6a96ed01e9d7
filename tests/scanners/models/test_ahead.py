"""Small files on their way several at once; each is given once, whatever became of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

import pytest

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable
from compline.scanners.models.places import ahead
from compline.scanners.models.places.ahead import AT_ONCE, read_ahead

FILES = [Artifact(f"{number:03}", 5, "m", "1") for number in range(100)]


@dataclass
class Place:
    """Gives out a file's own path, or what it is told to."""

    instead: dict[str, list[Exception | bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    together: threading.Barrier | None = None

    @contextmanager
    def open(self, artifact: Artifact) -> Iterator[Readable]:
        self.asked[artifact.path] += 1
        if self.together is not None:
            self.together.wait(10)
        told = self.instead.get(artifact.path) or [artifact.path.encode()]
        said = told.pop(0)
        if isinstance(said, Unreadable | CannotList):
            raise said
        yield Broken(said) if isinstance(said, Exception) else BytesIO(said)


class Broken:
    """Breaks off after a byte."""

    def __init__(self, error: Exception) -> None:
        self._left = [b"x"]
        self._error = error

    def read(self, _size: int, /) -> bytes:
        if self._left:
            return self._left.pop()
        raise self._error


def read(place: Place, files: list[Artifact] = FILES) -> dict[str, bytes | Unreadable]:
    found: dict[str, bytes | Unreadable] = {}
    for artifact, stream in read_ahead(files, place.open):
        assert artifact.path not in found, "given twice"
        if isinstance(stream, Unreadable):
            found[artifact.path] = stream
        else:
            found[artifact.path] = b"".join(iter(lambda stream=stream: stream.read(3), b""))
    return found


WHOLE = {each.path: each.path.encode() for each in FILES}


def test_several_are_on_their_way_at_once() -> None:
    place = Place(together=threading.Barrier(AT_ONCE))
    files = FILES[: 12 * AT_ONCE]
    assert read(place, files) == {each.path: WHOLE[each.path] for each in files}
    assert set(place.asked.values()) == {1}


def test_no_more_are_held_than_are_ahead() -> None:
    place = Place()
    for number, _ in enumerate(read_ahead(FILES, place.open), 1):
        assert sum(place.asked.values()) <= number + ahead._AHEAD
    assert number == len(FILES)


def test_what_broke_off_is_read_once_more_by_itself() -> None:
    cut = Unreadable(GapReason.TRUNCATED, "cut")
    place = Place({"007": [cut], "008": [OSError("gone")]})
    assert read(place) == WHOLE
    assert place.asked["007"] == place.asked["008"] == 2


def test_what_stays_so_is_told() -> None:
    cut = Unreadable(GapReason.TRUNCATED, "cut")
    place = Place({"007": [cut, cut]})
    assert read(place) == {**WHOLE, "007": cut}
    place = Place({"008": [OSError("gone"), OSError("gone")]})
    with pytest.raises(OSError, match="gone"):  # to whoever reads the stream
        read(place)


def test_a_refusal_is_told_and_not_asked_again() -> None:
    refused = Unreadable(GapReason.FORBIDDEN, "no")
    place = Place({"007": [refused]})
    assert read(place) == {**WHOLE, "007": refused}
    assert place.asked["007"] == 1


def test_a_place_that_does_not_answer_ends_it() -> None:
    place = Place({"050": [CannotList("gone")]})
    with pytest.raises(CannotList, match="gone"):
        read(place)
    assert sum(place.asked.values()) <= 50 + ahead._AHEAD + AT_ONCE


def test_a_large_file_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_SMALL", 8)
    large = b"0123456789" * 3
    files = [*FILES[:3], Artifact("large", len(large)), Artifact("liar", 2)]
    place = Place({"large": [large], "liar": [large, large]})
    assert read(place, files) == {**dict(list(WHOLE.items())[:3]), "large": large, "liar": large}
    assert place.asked == {"000": 1, "001": 1, "002": 1, "large": 1, "liar": 2}
