"""Where files lie for a tool: each alone in a directory, under its own name, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, Listing, Readable, Unreadable
from compline.scanners.models.contents.reading import fetch
from compline.scanners.models.contents.slots import Slots


class Place:
    """Files of five bytes; of the ones in `cut` fewer come."""

    def __init__(self, cut: Sequence[str] = ()) -> None:
        self._cut = cut

    def listing(self) -> Listing:
        return Listing(())

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        for each in wanted:
            yield each, BytesIO(b"12" if each.version in self._cut else b"12345")

    def close(self) -> None:
        """Nothing is open."""


FILES = [Artifact("data/model.pkl", 5, "fraud", str(number)) for number in range(20)]


def test_a_directory_is_used_again_when_its_file_is_done_with(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    held: list[str] = []
    for each in fetch(Place(), FILES, slots, 100):
        assert each.name.endswith("/model.pkl"), "tools go by names"
        assert slots.path(each.name).read_bytes() == b"12345"
        held.append(each.name)
        assert len(set(held)) == len(held), "two files in one place"
        if len(held) == 4:
            slots.clear(held.pop(0))
            slots.clear(held.pop(0))
    lying = [path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")]
    assert sorted(lying) == sorted(held)
    assert len(list(tmp_path.iterdir())) == 4


def test_what_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    found = list(fetch(Place(cut=["0", "1"]), FILES[:3], slots, 100))
    assert [each.gap and each.gap.reason for each in found] == [GapReason.TRUNCATED] * 2 + [None]
    assert [path.parent.name for path in tmp_path.glob("*/*")] == ["000000"]
    assert [each.name for each in found] == ["", "", "000000/model.pkl"]
