"""The scanner over real trees: what DVC itself wrote, and what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Link
from compline.scanners.lineage import dvc
from compline.scanners.lineage.scanner import Lineage

GOLDEN = Path(__file__).parent / "golden"
WRITTEN_BY_DVC = {
    ".dvc/config": (GOLDEN / "dvc-3.67.1.config").read_bytes(),
    "data/train.csv.dvc": (GOLDEN / "dvc-3.67.1.train.csv.dvc").read_bytes(),
    "dvc.yaml": (GOLDEN / "dvc-3.67.1.dvc.yaml").read_bytes(),
    "train.py": b"import os\n",
}


def look_at(git_repository: Any, context: Any, files: dict[str, bytes]) -> Any:
    [look] = Lineage().scan([git_repository(files).job()], context(None))
    return look


def test_what_dvc_writes(git_repository: Any, context: Any) -> None:
    look = look_at(git_repository, context, WRITTEN_BY_DVC)
    name = look.target
    assert isinstance(look.outcome, Completed)
    assert look.outcome.observations == ()
    assert look.outcome.gaps == ()
    assert set(look.outcome.links) == {
        Link(f"dataset/{name}/data/train.csv", f"repository/{name}", "is used by"),
        Link(f"repository/{name}", f"model/{name}/models/fraud.pt", "makes"),
        Link(f"dataset/{name}/data/train.csv", f"model/{name}/models/fraud.pt", "trained"),
    }


def test_a_file_that_cannot_be_read_is_a_gap(git_repository: Any, context: Any) -> None:
    look = look_at(git_repository, context, WRITTEN_BY_DVC | {"dvc.yaml": b"stages: [\n"})
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.UNPARSED, "dvc.yaml")
    ]
    assert [link.how for link in look.outcome.links] == ["is used by"]


def test_a_blob_that_is_missing_is_a_gap(git_repository: Any, context: Any) -> None:
    tree = git_repository(WRITTEN_BY_DVC)
    tree.lose("dvc.yaml")
    [look] = Lineage().scan([tree.job()], context(None))
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.MISSING_OBJECT, "dvc.yaml")
    ]


def test_a_reader_that_has_become_blind_is_not_trusted(
    git_repository: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dvc, "_tracked", lambda *_: iter(()))
    look = look_at(git_repository, context, WRITTEN_BY_DVC)
    assert isinstance(look.outcome, Failed)
    assert look.outcome.canary_missed
