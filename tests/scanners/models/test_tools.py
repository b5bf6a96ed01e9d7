"""The real tools: confined, silent on the network, missing their canary, short of memory."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from model_folders import Models

from compline.model import Completed, Failed, GapReason
from compline.scanners.interface import CannotScan
from compline.scanners.models.opening import canary, modelaudit
from compline.tools import process

SCANNERS = ("modelaudit", "picklescan")


def test_modelaudit_neither_calls_out_nor_has_a_network(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[dict[str, Any], process.Finished]] = []

    def run(*arguments: Any, **options: Any) -> process.Finished:
        done = process.run(*arguments, **options)
        said.append((options, done))
        return done

    monkeypatch.setattr(modelaudit, "run", run)
    models.put("1", {"model.pkl": hostile.bad()})
    models.completed("modelaudit")
    assert said
    for options, done in said:
        assert not options.get("network")
        assert b"promptfoo" not in done.stderr, "it tried to send usage data"


@pytest.mark.parametrize("scanner", SCANNERS)
def test_a_canary_that_is_not_found_stops_the_scanner(
    scanner: str, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(canary.EQUIPMENT, canary.CANARY, hostile.good())
    models.put("1", {"model.pkl": hostile.bad()})
    with pytest.raises(CannotScan, match="missed its canary"):
        models.look(scanner)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_a_large_model_is_scanned_in_little_memory(
    scanner: str, models: Models, tmp_path: Path
) -> None:
    folder = models.folder / "1"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "large.pt", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", hostile.bad())
        with archive.open("archive/data/0", "w", force_zip64=True) as member:
            for _ in range(400):
                member.write(bytes(1 << 20))
    outcome = models.completed(scanner, limits={"tool_memory_mb": 200})
    assert [each.subject for each in outcome.observations] == ["fraud/1/large.pt"]


def test_a_pickle_that_does_not_fit_into_memory_is_a_gap_and_not_its_neighbours(
    models: Models,
) -> None:
    size = 400 << 20
    models.put("1", {"bad.pkl": hostile.bad()})
    with (models.folder / "1" / "large.pkl").open("wb") as file:
        file.write(b"\x80\x04\x8e" + struct.pack("<Q", size))
        file.truncate(file.tell() + size)
        file.seek(0, 2)
        file.write(b"0" + hostile.bad()[2:])
    outcome = models.completed("picklescan", limits={"tool_memory_mb": 150})
    assert [each.subject for each in outcome.observations] == ["fraud/1/bad.pkl"]
    (gap,) = outcome.gaps
    assert (gap.path, gap.reason) == ("fraud/1/large.pkl", GapReason.CRASHED)


def test_a_file_over_the_limit_is_a_gap_for_every_scanner(models: Models) -> None:
    models.put("1", {"small.safetensors": hostile.safetensors()})
    with (models.folder / "1" / "huge.safetensors").open("wb") as file:
        file.truncate((1 << 30) + 1)
    sections = {"scanners": {"model-guard": {"file_gb": 1}}}
    for scanner in (*SCANNERS, "model-guard"):
        outcome = models.look(scanner, **sections).outcome
        assert isinstance(outcome, Completed), outcome
        gaps = {(gap.reason, gap.path.count("/")) for gap in outcome.gaps}
        # Of the model as a whole model-guard says that a version was not seen.
        whole = {(GapReason.TRUNCATED, 0)} if scanner == "model-guard" else set()
        wanted = set() if scanner == "picklescan" else {(GapReason.TOO_LARGE, 2), *whole}
        assert gaps == wanted, outcome.gaps


def test_a_file_that_changes_while_it_is_read_is_a_gap(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.scanners.models.places.folders import Folder

    models.put("1", {"model.pkl": hostile.bad()})
    real = Folder.files

    def files(self: Folder) -> Any:
        found = real(self)
        models.put("1", {"model.pkl": hostile.good()})
        return found

    monkeypatch.setattr(Folder, "files", files)
    outcome = models.completed("picklescan")
    assert [gap.reason for gap in outcome.gaps] == [GapReason.TRUNCATED]


def test_without_its_tool_a_scanner_cannot_scan(models: Models, tmp_path: Path) -> None:
    from compline.tools.toolbox import Toolbox

    models.put("1", {"model.pkl": hostile.bad()})
    models.toolbox = Toolbox(tmp_path / "empty")
    for scanner in (*SCANNERS, "model-guard"):
        with pytest.raises(CannotScan, match="compline tools install"):
            models.look(scanner)


def test_a_registry_of_another_kind_is_failed(models: Models) -> None:
    models.url = "memory://nothing"
    assert isinstance(models.look("modelaudit").outcome, Failed)
