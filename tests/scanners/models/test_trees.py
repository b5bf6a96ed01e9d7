"""Model files of repositories and of images' layers, and one finding with two witnesses."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from model_images import image

from compline.findings.correlate import Sighting, correlate
from compline.model import Completed, Failed, GapReason, Look, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox

FILES: dict[str, bytes] = {
    "models/bad.pt": hostile.torch_zip(hostile.bad()),
    "models/good.safetensors": hostile.safetensors(),
    "fonts/table.bin": b"\0\1\2\3 no model",
    "models/hidden.bin": hostile.bad(),
    "src/app.py": b"print()",
    "node_modules/x/bad.pkl": hostile.bad(),
}
SCANNERS = ("modelaudit", "picklescan")


@pytest.fixture
def look(context: Callable[..., ScanContext], toolbox: Toolbox) -> Callable[[str, Job], Look]:
    """One look of a scanner at one job."""

    def one(scanner: str, job: Job) -> Look:
        (found,) = registry.load(scanner).scan([job], context(toolbox))
        return found

    return one


def test_a_repository_has_one_finding_with_two_witnesses_by_file(
    repository: Any, look: Callable[[str, Job], Look]
) -> None:
    repo = repository(FILES)
    looks = [look(scanner, repo.job()) for scanner in SCANNERS]
    observations = []
    for one in looks:
        assert isinstance(one.outcome, Completed), one.outcome
        assert {gap.reason for gap in one.outcome.gaps} == {GapReason.VENDORED}
        observations += one.outcome.observations
    found = sorted((each.place.path, each.scanner) for each in observations)
    files = ("models/bad.pt", "models/hidden.bin")
    assert found == [(path, scanner) for path in files for scanner in SCANNERS]
    assert all(each.place.blob for each in observations)
    groups = correlate([Sighting(each) for each in observations])
    assert sorted(len(group) for group in groups) == [2, 2]
    for group in groups:
        assert len({observations[index].place.path for index in group}) == 1


def test_known_blobs_are_not_read_again(
    repository: Any, look: Callable[[str, Job], Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look("picklescan", repository(FILES).job())
    repo = repository({**FILES, "README.md": b"more"})
    monkeypatch.setattr(repo.snapshot, "read", lambda _oids: pytest.fail("it was read again"))
    again = look("picklescan", repo.job())
    assert again.outcome == first.outcome
    assert first.fresh
    assert not again.fresh


def test_every_layer_of_an_image_is_looked_into(
    tmp_path: Path, look: Callable[[str, Job], Look]
) -> None:
    later = {"models/bad.pt": hostile.torch_zip(hostile.good()), "opt/.wh.x": b""}
    archive, digest = image(tmp_path, FILES, later)
    job = Job(
        Target(TargetKind.IMAGE, "scorer", str(archive)), digest, open_archive=lambda: archive
    )
    for scanner in SCANNERS:
        seen = look(scanner, job)
        assert isinstance(seen.outcome, Completed), seen.outcome
        found = sorted(each.place.path for each in seen.outcome.observations)
        assert found == ["models/bad.pt", "models/hidden.bin"], "a later layer hides the first"
        (again,) = [look(scanner, job)]
        assert again.outcome == seen.outcome
        assert not again.fresh


def test_a_damaged_layer_is_a_gap_and_a_damaged_archive_failed(
    tmp_path: Path, look: Callable[[str, Job], Look]
) -> None:
    archive, digest = image(tmp_path, FILES)
    content = bytearray(archive.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        start = tar.getmember("layer0.tar").offset_data
    content[start : start + 512] = b"x" * 512
    archive.write_bytes(content)
    job = Job(
        Target(TargetKind.IMAGE, "scorer", str(archive)), digest, open_archive=lambda: archive
    )
    seen = look("picklescan", job).outcome
    assert isinstance(seen, Completed)
    assert [gap.reason for gap in seen.gaps] == [GapReason.UNPARSED]
    archive.write_bytes(b"no archive" * 100)
    tomorrow = replace(job, shared={})
    assert isinstance(look("picklescan", tomorrow).outcome, Failed)
