"""The locker keeps what it is given, at every kind of place, and gives back nothing else."""

from __future__ import annotations

import gzip
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compline.evidence.files import Remote, open_files
from compline.evidence.locker import (
    EvidenceChanged,
    EvidenceMissing,
    EvidenceUnavailable,
    Locker,
)


@pytest.fixture(params=["directory", "file", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL of each kind."""
    match request.param:
        case "directory":
            return str(tmp_path / "evidence")
        case "file":
            return f"file://{tmp_path / 'evidence'}"
        case "memory":
            return f"memory://{uuid.uuid4().hex}/evidence"
        case _:
            bucket: Callable[[str], str] = request.getfixturevalue("moto_s3")
            return bucket("compline")


def test_every_place_keeps_documents_and_manifests(place: str, tmp_path: Path) -> None:
    locker = Locker(open_files(place, tmp_path))
    digest = locker.put(b'{"a":1}')
    assert locker.put(b'{"a":1}') == digest
    assert locker.get(digest) == b'{"a":1}'
    assert locker.has(digest)
    link = locker.put_manifest(7, b'{"m":1}')
    other = Locker(open_files(place, tmp_path))
    assert other.get_manifest(7, link) == b'{"m":1}'
    assert list(other.digests()) == [digest]
    assert other.manifests() == [(7, link)]
    written = other.written(digest)
    assert written is not None
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=2)
    other.remove(digest)
    other.remove(digest)
    other.remove_manifest(7, link)
    assert not locker.has(digest)
    assert list(locker.digests()) == locker.manifests() == []
    with pytest.raises(EvidenceMissing, match="is missing"):
        locker.get(digest)


def test_what_was_changed_is_not_given_out(tmp_path: Path) -> None:
    locker = Locker(tmp_path)
    digest = locker.put(b'{"a":1}')
    (file,) = tmp_path.rglob("*.gz")
    for content in (gzip.compress(b'{"a":2}'), file.read_bytes()[:-3], b"", b"no gzip at all"):
        file.write_bytes(content)
        with pytest.raises(EvidenceChanged, match="was changed"):
            locker.get(digest)


def test_a_torn_file_is_mended_by_the_next_put(tmp_path: Path) -> None:
    locker = Locker(tmp_path)
    digest = locker.put(b'{"a":1}')
    (file,) = tmp_path.rglob("*.gz")
    file.write_bytes(file.read_bytes()[:5])
    assert locker.put(b'{"a":1}') == digest
    assert locker.get(digest) == b'{"a":1}'


def test_what_is_put_again_looks_new(tmp_path: Path) -> None:
    locker = Locker(tmp_path)
    digest = locker.put(b'{"a":1}')
    (file,) = tmp_path.rglob("*.gz")
    before = time.time() - 90_000
    os.utime(file, (before, before))
    locker.put(b'{"a":1}')
    assert locker.written(digest) > datetime.now(UTC) - timedelta(minutes=1)  # type: ignore[operator]


def test_half_written_files_are_no_documents(tmp_path: Path) -> None:
    locker = Locker(tmp_path)
    digest = locker.put(b"{}")
    (tmp_path / digest[:2] / ".put-x").write_bytes(b"half")
    assert list(locker.digests()) == [digest]


def test_a_place_that_cannot_be_reached_is_not_an_empty_one(
    moto_s3: Callable[[str], str], tmp_path: Path
) -> None:
    locker = Locker(Remote("s3://no-such-bucket/evidence"))
    with pytest.raises(EvidenceUnavailable, match=r"`evidence.url`"):
        locker.put(b"{}")
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(EvidenceUnavailable):
        Locker(taken).put(b"{}")
    with pytest.raises(EvidenceUnavailable, match="cannot be reached"):
        open_files("nonsense://x", tmp_path)


def test_errors_hold_no_credential(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnavailable) as caught:
        open_files("nonsense://user:hunter22@host/x", tmp_path)
    assert "hunter22" not in str(caught.value)


def test_one_aside_knows_the_same_and_keeps_nothing(tmp_path: Path) -> None:
    locker = Locker(tmp_path)
    kept = locker.put(b"a document")
    aside = locker.aside()
    assert aside.has(kept)
    assert aside.get(kept) == b"a document"
    assert aside.put(b"a document") == kept
    other = aside.put(b"another")
    assert not aside.has(other)
    assert set(locker.digests()) == {kept}
    assert locker.put(b"another") == other
