"""What secrets are known by: never themselves."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.secret_identity import (
    KeyUnusable,
    SecretKey,
    line_like,
    masked_fingerprint,
    rotate,
    secret_key,
    unmasked,
)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = secret_key(tmp_path / "workspace")
    path = tmp_path / "workspace" / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(bytes.fromhex(path.read_text().strip())) == 32
    assert secret_key(tmp_path / "workspace").subject(b"x") == first.subject(b"x")
    other = secret_key(tmp_path / "elsewhere")
    assert other.subject(b"x") != first.subject(b"x")
    assert other.id != first.id
    names = {each.name for each in (tmp_path / "workspace").iterdir()}
    assert names == {"secret.key", "secret.key.id"}


def test_many_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[str] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        keys.append(secret_key(tmp_path).id)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_subject_names_its_key_and_does_not_hold_the_secret() -> None:
    key = SecretKey(b"k" * 32)
    subject = key.subject(b"hunter2")
    assert subject.startswith(f"hmac:{key.id}:")
    assert len(subject) == len(f"hmac:{key.id}:") + 64
    assert SecretKey(b"j" * 32).id != key.id
    assert "hunter2" not in subject


def test_a_rotated_key_keeps_the_one_before_as_an_older_version(tmp_path: Path) -> None:
    first = secret_key(tmp_path)
    second = rotate(tmp_path)
    assert secret_key(tmp_path).ids == second.ids == (second.id, first.id)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    [(version, subject)] = second.former_subjects(b"hunter2")
    assert (version, subject) == (f"hmac:{first.id}", first.subject(b"hunter2"))
    assert first.former_subjects(b"hunter2") == ()
    # Once every target was looked at, the former one may go.
    (tmp_path / "secret.key").write_text((tmp_path / "secret.key").read_text().split()[0])
    assert secret_key(tmp_path).ids == (second.id,)


def test_a_lost_key_is_not_made_anew_in_silence(tmp_path: Path) -> None:
    secret_key(tmp_path)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(KeyUnusable, match=r"restore it .* or remove .*secret\.key\.id"):
        secret_key(tmp_path)
    (tmp_path / "secret.key.id").unlink()
    assert secret_key(tmp_path)


def test_a_key_exchanged_without_the_former_one_is_not_used(tmp_path: Path) -> None:
    secret_key(tmp_path)
    (tmp_path / "secret.key").write_text("ab" * 32)
    with pytest.raises(KeyUnusable, match="put the former one on the line below"):
        secret_key(tmp_path)


def test_two_targets_do_not_tell_that_they_share_a_secret() -> None:
    old, key = SecretKey(b"o" * 32), SecretKey(b"k" * 32, [b"o" * 32])
    found = Observation(
        "trivy",
        "aws",
        FindingKind.SECRET,
        Severity.HIGH,
        Confidence.HIGH,
        "a key",
        Place("a.env", 1),
        key.subject(b"x"),
        (*key.former_subjects(b"x"), ("masked/1", "m")),
    )
    [api], [web] = key.of_target("api", [found]), key.of_target("web", [found])
    assert len({found.subject, api.subject, web.subject}) == 3
    assert api.subject.startswith(f"hmac:{key.id}:")
    before = replace(found, subject=old.subject(b"x"))
    assert dict(api.fingerprints)[f"hmac:{old.id}"] == old.of_target("api", [before])[0].subject
    assert dict(api.fingerprints)["masked/1"] == "m"
    plain = replace(found, kind=FindingKind.CODE)
    assert key.of_target("api", [plain]) == (plain,)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    secret_key(tmp_path)
    (tmp_path / "secret.key").chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        secret_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"zz", b"00" * 16, b"\xff\xfe"])
def test_a_damaged_key_is_not_replaced_in_silence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)
    with pytest.raises(KeyUnusable, match="backup"):
        secret_key(tmp_path)
    assert path.read_bytes() == content


def test_a_workspace_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("a file in the way")
    with pytest.raises(KeyUnusable):
        secret_key(tmp_path / "workspace")


@pytest.mark.parametrize(
    ("content", "line", "end", "masked", "offset", "expected"),
    [
        ('a = 1\ntoken = "s3cr3t"\n', 2, 2, 'token = "******"', 15, "s3cr3t"),
        # Older reports do not say the offset.
        ('token = "s3cr3t"\n', 1, 1, 'token = "******"', None, "s3cr3t"),
        # Two on one line are told apart by the offset.
        ("a=first1 b=second\n", 1, 1, "a=****** b=******", 2, "first1"),
        ("a=first1 b=second\n", 1, 1, "a=****** b=******", 11, "second"),
        ("a=first1 b=second\n", 1, 1, "a=****** b=******", None, "first1\nsecond"),
        # Asterisks of the file's own, and carriage returns.
        ('*** = "s3cr3t"\r\n', 1, 1, '*** = "******"', 7, "s3cr3t"),
        # A long line is reported in part.
        (f'{"x" * 200}key="s3cr3t"{"y" * 200}\n', 1, 1, 'xxkey="******"yy', 205, "s3cr3t"),
        # Several lines: all of them.
        ("-----BEGIN\nAAAA\nBBBB\n-----END\n", 2, 3, "****", 11, "AAAA\nBBBB"),
        # What does not fit stands for itself, whole.
        ("token = other\n", 1, 1, "quite different ******", 0, "token = other"),
        ("token = other\n", 1, 1, "", None, "token = other"),
        ("short\n", 9, 9, "******", None, ""),
    ],
)
def test_the_secret_is_read_from_its_place(
    content: str, line: int, end: int, masked: str, offset: int | None, expected: str
) -> None:
    found = unmasked(content.encode(), line, end, masked, offset)
    assert found == expected.encode()


@settings(derandomize=True, max_examples=100)
@given(
    before=st.text(alphabet="ab=\"' é", max_size=20),
    secret=st.text(alphabet="xyzXYZ019-_", min_size=8, max_size=40),
    after=st.text(alphabet="ab=\"' é", max_size=20),
    above=st.integers(0, 5),
)
def test_it_does_not_matter_where_the_secret_stands(
    before: str, secret: str, after: str, above: int
) -> None:
    line = f"{before}{secret}{after}"
    content = ("other\n" * above + line + "\nmore").encode()
    offset = 6 * above + len(before.encode())
    masked = f"{before}{'*' * len(secret)}{after}"
    assert unmasked(content, above + 1, above + 1, masked, offset) == secret.encode()


def test_a_line_is_found_by_what_was_reported() -> None:
    content = b'{\n  "Env": [\n    "A=b",\n    "TOKEN=s3cr3t-s3cr3t"\n  ]\n}'
    assert line_like(content, '"TOKEN=*************"') == 4
    assert line_like(content, "nothing like ******") is None
    assert line_like(content, "no mask") is None


def test_the_line_without_the_secret_links_it_when_the_key_has_changed() -> None:
    one = masked_fingerprint('token = "******"')
    assert one == masked_fingerprint('  token  =  "*************"')
    assert one != masked_fingerprint('password = "******"')
    assert one[0][0] == "masked/1"
    assert masked_fingerprint("******") == ()
