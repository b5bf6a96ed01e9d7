"""What a secret is known by: a keyed hash, made in memory from the secret that was found.

Scanners print secrets masked. The text is read again from the place that they report, hashed, and
dropped; without the key nobody can try passwords against the hash. The target takes part in the
hash, so that the store does not tell which targets share a secret.

Former keys stay known until every target was looked at under the new one: a secret's hash under
them is an older version of its fingerprint, and links it to its finding.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from compline.model import FindingKind, Observation

_BYTES = 32
_MASK = re.compile(rb"\*{3,}")


class KeyUnusable(Exception):
    """There is no key to hash secrets with; the message says what to do."""


class SecretKey:
    """The key in use, with those before it."""

    def __init__(self, key: bytes, former: Sequence[bytes] = ()) -> None:
        self._key = key
        self._former = {one.id: one for one in map(SecretKey, former)}

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all keys, the one in use first: what results depend on."""
        return (self.id, *self._former)

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

    def former_subjects(self, secret: bytes) -> tuple[tuple[str, str], ...]:
        """What it was about under the former keys, as fingerprints: `hmac:KEY`, subject."""
        return tuple((f"hmac:{one.id}", one.subject(secret)) for one in self._former.values())

    def former_digests(self, text: bytes, version: str) -> tuple[tuple[str, str], ...]:
        """Fingerprints of a text under the former keys, as `version:KEY`, hash."""
        return tuple((f"{version}:{one.id}", one.digest(text)) for one in self._former.values())

    def of_target(self, target: str, found: Iterable[Observation]) -> tuple[Observation, ...]:
        """The statements with every secret hashed once more, together with the target's name."""
        return tuple(
            replace(
                each,
                subject=self._bound(target, each.subject),
                fingerprints=tuple(
                    (version, self._bound(target, value)) for version, value in each.fingerprints
                ),
            )
            if each.kind is FindingKind.SECRET
            else each
            for each in found
        )

    def _bound(self, target: str, subject: str) -> str:
        method, _, rest = subject.partition(":")
        name, _, hashed = rest.partition(":")
        key = self if name == self.id else self._former.get(name)
        if method != "hmac" or key is None:
            return subject  # a line without its secret
        return f"hmac:{name}:{key.digest(f'{target} {hashed}'.encode())}"


def secret_key(workspace: Path) -> SecretKey:
    """The key in `secret.key`, made at first use, readable by its owner only.

    The file holds one key a line in hexadecimal, the one in use first, former ones below it.
    `secret.key.id` beside it names the key last used: a key that got lost is not made anew, since
    nothing would then be known of the secrets found before.

    Raises:
        KeyUnusable: it cannot be made or read, is damaged, lost, or others could read it.
    """
    path, used = workspace / "secret.key", workspace / "secret.key.id"
    try:
        last = used.read_text("ascii").strip() if used.exists() else ""
        if not path.exists():
            if last:
                raise KeyUnusable(
                    f"{path} is missing: restore it from a backup, or remove {used} to begin anew "
                    "(secrets found before are then matched by the rest of their line)"
                )
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyUnusable(f"{path} can be read by others: `chmod 600 {path}`")
        key = parse_keys(path.read_text("ascii").split(), str(path))
        if last and last not in key.ids:
            raise KeyUnusable(
                f"{path} holds another key than before: put the former one on the line below it"
            )
        if last != key.id:
            _write(used, key.id)
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            f"{path} cannot be used ({type(error).__name__}): restore it from a backup"
        ) from error
    return key


def parse_keys(keys: Sequence[str], where: str) -> SecretKey:
    """The key in use, then former ones, in hexadecimal.

    Raises:
        KeyUnusable: one is none; `where` names what holds it.
    """
    try:
        parsed = [bytes.fromhex(key.strip()) for key in keys]
    except ValueError:
        parsed = []
    if not parsed or any(len(key) != _BYTES for key in parsed):
        raise KeyUnusable(f"{where} does not hold {_BYTES} bytes: restore it from a backup")
    return SecretKey(parsed[0], parsed[1:])


def rotate(workspace: Path) -> SecretKey:
    """Puts a new key before the one in use, which stays as a former one.

    Raises:
        KeyUnusable: as for `secret_key`.
    """
    secret_key(workspace)
    path = workspace / "secret.key"
    _write(path, "\n".join([secrets.token_hex(_BYTES), *path.read_text("ascii").split()]))
    return secret_key(workspace)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


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
