"""What a secret is known by: a keyed hash, made in memory from the secret that was found.

Scanners print secrets masked. The text is read again from the place that they report, hashed, and
dropped; without the key nobody can try passwords against the hash.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

_BYTES = 32
_MASK = re.compile(rb"\*{3,}")


class KeyUnusable(Exception):
    """There is no key to hash secrets with; the message says what to do."""


class SecretKey:
    """The key of one workspace."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def id(self) -> str:
        """Tells keys apart without telling the key: part of what results depend on."""
        return self.digest(b"compline key id")[:16]

    def digest(self, text: bytes) -> str:
        """HMAC-SHA256 in hexadecimal."""
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    def subject(self, secret: bytes) -> str:
        """`hmac:KEY:HEX`, what a finding about the secret is about; KEY tells keys apart."""
        return f"hmac:{self.id}:{self.digest(secret)}"


def secret_key(workspace: Path) -> SecretKey:
    """The key in `secret.key`, made at first use, readable by its owner only.

    Raises:
        KeyUnusable: it cannot be made or read, is damaged, or others could read it.
    """
    path = workspace / "secret.key"
    try:
        if not path.exists():
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyUnusable(f"{path} can be read by others: `chmod 600 {path}`")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            f"{path} cannot be used ({type(error).__name__}): restore it from a backup, or remove "
            "it to begin anew (secrets found before are then matched by their place)"
        ) from error
    if len(key) != _BYTES:
        raise KeyUnusable(f"{path} does not hold {_BYTES} bytes: restore it from a backup")
    return SecretKey(key)


def _make(path: Path) -> None:
    """Several may try at once; one link wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)


def unmasked(content: bytes, line: int, end_line: int, masked: str, offset: int | None) -> bytes:
    """The secret at a reported place.

    Args:
        content: the file.
        line: first line of the secret, from 1.
        end_line: last line.
        masked: the reported line with asterisks over secrets; long lines are reported in part.
        offset: where in the file the secret starts, if that is known.

    Returns:
        What the asterisks stand for; the whole lines, where that cannot be told.
    """
    lines = content.split(b"\n")[line - 1 : end_line]
    whole = b"\n".join(lines).replace(b"\r", b"")
    if line != end_line or not lines:
        return whole
    start = sum(len(each) + 1 for each in content.split(b"\n")[: line - 1])
    column = None if offset is None else offset - start
    pattern, spans = b"", []
    text, last = masked.encode(), 0
    for run in _MASK.finditer(text):
        pattern += re.escape(text[last : run.start()]) + b"(.{%d})" % len(run[0])
        spans.append(run.span())
        last = run.end()
    if not spans:
        return whole
    found = re.search(pattern + re.escape(text[last:]), whole, re.DOTALL)
    if found is None:
        return whole
    groups = range(1, len(spans) + 1)
    at = next(
        (n for n in groups if column is not None and found.start(n) <= column < found.end(n)), None
    )
    return found[at] if at is not None else b"\n".join(found[n] for n in groups)


def line_like(content: bytes, masked: str) -> int | None:
    """The first line that could be what was reported masked, where its number is not known."""
    text = masked.strip().encode()
    parts = [re.escape(part) for part in _MASK.split(text)]
    runs = [b".{%d}" % len(run[0]) for run in _MASK.finditer(text)]
    if not runs:
        return None
    pattern = re.compile(
        b"".join(part + run for part, run in zip(parts, [*runs, b""], strict=True)), re.DOTALL
    )
    lines = enumerate(content.split(b"\n"), 1)
    return next((number for number, line in lines if pattern.search(line)), None)


def masked_fingerprint(masked: str) -> tuple[tuple[str, str], ...]:
    """What links a secret to its finding after the key was changed: its line without it."""
    words = " ".join(_MASK.sub(b"***", masked.encode()).decode(errors="replace").split())
    if not words.replace("***", "").strip():
        return ()
    return (("masked/1", hashlib.sha256(words.encode()).hexdigest()[:32]),)
