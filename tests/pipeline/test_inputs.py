"""What scanners look at is got when they ask, and is what the run was to look at."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.model import Target, TargetKind
from compline.pipeline.inputs import Inputs
from compline.pipeline.work import Work
from compline.source.images import open_image
from compline.source.snapshot import SourceError


def save(path: Path, layer: bytes) -> str:
    """Writes a docker-archive of one layer; its digest."""
    diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as archive:
        for member, content in ((name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return open_image(path).digest


def work(locator: str, revision: str) -> Work:
    target = Target(TargetKind.IMAGE, "image", locator)
    return Work(
        target, revision=revision, ref="", asked=datetime.now(UTC), scanners=("trivy-image",)
    )


def test_an_archive_that_was_replaced_meanwhile_is_not_taken_for_the_other(
    organisation: Any, tmp_path: Path
) -> None:
    path = tmp_path / "image.tar"
    inputs_work = work(str(path), save(path, bytes(10_240)))
    with organisation.session() as session:
        assert Inputs(session, inputs_work, "").archive() == path
        save(path, b"x" * 10_240)
        with pytest.raises(SourceError, match="was replaced since the run began"):
            Inputs(session, inputs_work, "").archive()


def test_an_image_is_pulled_only_when_a_scanner_asks(organisation: Any) -> None:
    with organisation.session() as session:
        inputs = Inputs(session, work("docker://127.0.0.1:1/a:1", "sha256:" + "0" * 64), "")
        job = inputs.job("trivy-image")
        assert job.open_archive is not None
        with pytest.raises(SourceError, match=r"127\.0\.0\.1:1/a@sha256:0000"):
            job.open_archive()
