"""A folder as registry, with real modes, and a bucket in memory."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest

from compline.model import Completed, Failed, GapReason, RegressionKind
from compline.scanners.registries.directory import collector


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two versions of a model, readable to all and writable to nobody else."""
    root = tmp_path / "models"
    for version in ("1", "2"):
        folder = root / "fraud" / version
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights of " + version.encode())
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


def look(look_at_kind: Any, url: object, **policy: Any) -> Any:
    return look_at_kind(kind="directory", url=str(url), policy=policy)


def versions(look: Any) -> dict[str, str]:
    assert all(fact.tells is RegressionKind.MODEL_CHANGED for fact in look.outcome.facts)
    return {fact.subject: fact.value for fact in look.outcome.facts}


def test_a_folder_in_order(models: Path, look_at_kind: Any, found: Any) -> None:
    seen = look(look_at_kind, models)
    assert found(seen) == set()
    assert seen.outcome.gaps == ()
    assert set(versions(seen)) == {"version/fraud/1", "version/fraud/2"}


def test_what_model_guard_tells_is_not_told_twice(models: Path, look_at_kind: Any) -> None:
    seen = look_at_kind(kind="directory", url=str(models), guarded=True)
    assert seen.outcome.facts == ()


def test_files_that_others_may_write(models: Path, look_at_kind: Any, found: Any) -> None:
    file, folder = models / "fraud/1/model.safetensors", models / "fraud/2"
    file.chmod(0o666)
    folder.chmod(0o775)
    group = folder.group()
    assert found(look(look_at_kind, models)) == {
        ("model-file-writable-by-anybody", "file/fraud/1/model.safetensors"),
        ("model-file-writable-by-group", "file/fraud/1/model.safetensors"),
        ("model-file-writable-by-group", "file/fraud/2"),
    }
    assert found(look(look_at_kind, models, writing_groups=[group])) == {
        ("model-file-writable-by-anybody", "file/fraud/1/model.safetensors"),
    }
    folder.chmod(0o1777)  # of a sticky folder only a file's owner replaces it
    file.chmod(0o644)
    assert found(look(look_at_kind, models, writing_groups=[group])) == set()


def test_whoever_may_write_the_folder_itself_may_replace_any_model(
    models: Path, look_at_kind: Any, found: Any
) -> None:
    models.chmod(0o777)
    assert ("model-file-writable-by-anybody", "file/.") in found(look(look_at_kind, models))
    models.chmod(0o1777)
    group = models.group()
    assert found(look(look_at_kind, models, writing_groups=[group])) == set()


def test_owners_and_links(models: Path, look_at_kind: Any, found: Any) -> None:
    owner = models.owner()
    assert found(look(look_at_kind, models, owners=[owner])) == set()
    rules = {rule for rule, _ in found(look(look_at_kind, models, owners=["publisher"]))}
    assert rules == {"model-file-of-another-owner"}
    (models / "fraud/1/config.json").symlink_to("/etc/hostname")
    (models / "fraud/3").symlink_to("/etc")
    assert found(look(look_at_kind, models, owners=[owner])) == {
        ("model-file-is-a-link", "file/fraud/1/config.json"),
        ("model-file-is-a-link", "file/fraud/3"),
    }


def test_a_version_that_is_overwritten_has_another_value(models: Path, look_at_kind: Any) -> None:
    before = versions(look(look_at_kind, models))
    file = models / "fraud/1/model.safetensors"
    stamp = file.stat().st_mtime_ns
    file.write_bytes(b"WEIGHTS of 1")
    os.utime(file, ns=(stamp + 1_000_000, stamp + 1_000_000))
    after = versions(look(look_at_kind, models))
    assert before["version/fraud/2"] == after["version/fraud/2"]
    assert before["version/fraud/1"] != after["version/fraud/1"]


def test_a_bucket_of_s3_by_its_etags(aws: Any, look_at_kind: Any, found: Any) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(
        Bucket="released", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    for version in ("1", "2"):
        s3.put_object(Bucket="released", Key=f"m/fraud/{version}/model.bin", Body=b"weights")
    settings = {"kind": "directory", "url": "s3://released/m", "endpoint": aws.url,
                "credential": "env:AWS"}  # fmt: skip
    before = look_at_kind(aws.secrets, **settings)
    assert found(before) == set()
    assert [gap.path for gap in before.outcome.gaps] == ["mode/"]
    s3.put_object(Bucket="released", Key="m/fraud/1/model.bin", Body=b"WEIGHTS")
    after = look_at_kind(aws.secrets, **settings)
    changed = dict(versions(before).items() ^ versions(after).items())
    assert set(changed) == {"version/fraud/1"}
    for odd in ({"url": "s3://not-there"}, {"endpoint": "http://127.0.0.1:9"}):
        assert isinstance(look_at_kind(aws.secrets, **{**settings, **odd}).outcome, Failed)


def test_a_bucket_without_credential_is_not_asked_with_whatever_lies_around(
    look_at_kind: Any,
) -> None:
    outcome = look(look_at_kind, "s3://released").outcome
    assert isinstance(outcome, Failed)
    assert "needs `credential: env:NAME`" in outcome.error


def test_a_bucket_has_no_modes(look_at_kind: Any, found: Any) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/registry-of-the-test/fraud/1/model.bin", b"weights")
    try:
        seen = look(look_at_kind, "memory://registry-of-the-test")
    finally:
        system.rm("/registry-of-the-test", recursive=True)
    assert found(seen) == set()
    assert [(gap.path, gap.reason) for gap in seen.outcome.gaps] == [
        ("mode/", GapReason.UNSUPPORTED)
    ]
    assert set(versions(seen)) == {"version/fraud/1"}


@pytest.mark.parametrize("url", ["/not/there", "nonsense://x", "memory://nothing-there"])
def test_what_is_not_there_is_failed(look_at_kind: Any, url: str) -> None:
    assert isinstance(look(look_at_kind, url).outcome, Failed)


def test_an_empty_folder_does_not_pass(tmp_path: Path, look_at_kind: Any) -> None:
    outcome = look(look_at_kind, tmp_path).outcome
    assert isinstance(outcome, Failed)
    assert "no files at all" in outcome.error


def test_a_folder_that_cannot_be_listed_is_a_gap(
    models: Path, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    whole = LocalFileSystem.ls

    def refuses(self: Any, path: str, detail: bool = False, **more: Any) -> Any:
        if str(path).endswith("fraud/1"):
            raise PermissionError(13, "no")
        return whole(self, path, detail=detail, **more)

    monkeypatch.setattr(LocalFileSystem, "ls", refuses)
    outcome = look(look_at_kind, models).outcome
    assert isinstance(outcome, Completed)
    assert [gap.path for gap in outcome.gaps] == ["file/fraud/1/", "version/fraud/1/"]
    assert [fact.subject for fact in outcome.facts] == ["version/fraud/2"]


def test_more_files_than_are_listed_are_a_gap(
    models: Path, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "MOST_FILES", 4)
    (gap,) = look(look_at_kind, models).outcome.gaps
    assert (gap.reason, gap.path) == (GapReason.TRUNCATED, "")


def test_a_slow_store_is_failed(
    models: Path, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of that module alone: another clock for the whole process stops every event loop in it.
    slow = SimpleNamespace(monotonic=iter(range(0, 10**6, 100)).__next__)
    monkeypatch.setattr(collector, "time", slow)
    outcome = look(look_at_kind, models).outcome
    assert isinstance(outcome, Failed)
    assert "was not listed within 60 s" in outcome.error
