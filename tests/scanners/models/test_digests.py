"""Which files are read again: by their validator, and a share of them each night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hostile_models import safetensors
from model_folders import Models

from compline.scanners.models.artifacts import Artifact
from compline.scanners.models.contents.digests import Digests

FIRST = datetime(2026, 1, 1, 2, tzinfo=UTC)


class Cache(dict[str, bytes]):
    """The results cache's two methods."""

    def get_many(self, _scanner: str, _key: object, contents: object) -> dict[str, bytes]:
        return {name: self[name] for name in contents if name in self}  # type: ignore[attr-defined]

    def put_many(self, _scanner: str, _key: object, results: dict[str, bytes]) -> None:
        self.update(results)


def nights(
    files: list[Artifact], count: int, days: int, *, served: bool = False
) -> list[list[str]]:
    """What is read in each night."""
    cache = Cache()
    read = []
    for night in range(count):
        now = FIRST + timedelta(days=night)
        digests = Digests("t", cache, now, days, served=lambda _a: served)  # type: ignore[arg-type]
        digests.look_up(files)
        due = [each for each in files if not digests.of(each)]
        digests.learn(dict.fromkeys(due, "ab" * 32))
        assert all(digests.of(each) for each in files)
        read.append([each.path for each in due])
    return read


def test_each_night_reads_its_share_and_every_file_in_time() -> None:
    files = [Artifact(f"{number}.pkl", 1, "m", "1", "etag") for number in range(600)]
    read = nights(files, 61, 30)
    assert len(read[0]) == 600
    assert max(len(night) for night in read[1:]) < 60, "one night reads far more than its share"
    for file in files:
        when = [night for night, paths in enumerate(read) if file.path in paths]
        gaps = [later - earlier for earlier, later in pairwise(when)]
        assert max(gaps) <= 30


def test_without_a_validator_production_is_read_every_night() -> None:
    weak = [Artifact("a.pkl", 1, "m", "1", "1", weak=True)]
    assert [len(night) for night in nights(weak, 5, 1000, served=True)] == [1] * 5
    assert [len(night) for night in nights(weak, 5, 1000)] == [1, 0, 0, 0, 0]


def test_a_moved_validator_is_read_at_once_and_known_content_is_not_scanned_again(
    models: Models,
) -> None:
    models.put("1", {"model.safetensors": safetensors()})
    assert models.look("modelaudit", now=FIRST).fresh
    assert not models.look("modelaudit", now=FIRST + timedelta(days=1)).fresh
    models.put("1", {"model.safetensors": safetensors()})
    again = models.look("modelaudit", now=FIRST + timedelta(days=2))
    assert not again.fresh, "the same content under another time was scanned again"
    assert models.look("modelaudit", now=FIRST + timedelta(days=3), fresh=True).fresh
