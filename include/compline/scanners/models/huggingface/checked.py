"""A file of the Hub, which has to be what the Hub tells of it: no cache or mirror is believed."""

from __future__ import annotations

import hashlib

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, Readable, Unreadable
from compline.scanners.models.huggingface.answers import SHA256


class Checked:
    """Its bytes; at their end they are held against its validator."""

    def __init__(self, stream: Readable, artifact: Artifact) -> None:
        """Takes the stream of a file with a validator of the Hub's."""
        self._stream, self._artifact = stream, artifact
        self._came = 0
        if artifact.validator.startswith(SHA256):
            self._hash = hashlib.sha256()
        else:
            # Git's object id; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
            head = f"blob {artifact.size}\0".encode()
            self._hash = hashlib.sha1(head, usedforsecurity=False)

    def read(self, size: int, /) -> bytes:
        """As `Readable` says.

        Raises:
            Unreadable: it ended early, or was another content.
        """
        part = self._stream.read(size)
        self._came += len(part)
        self._hash.update(part)
        if part:
            return part
        expected = self._artifact.size
        if self._came != expected:
            text = f"{self._came} of {expected} bytes came"
            raise Unreadable(GapReason.TRUNCATED, text)
        if self._hash.hexdigest() != self._artifact.validator.partition(":")[2]:
            text = (
                f"what came is not {self._artifact.validator}, as the Hub calls this file: a cache "
                "or a mirror on the way hands out another content"
            )
            raise Unreadable(GapReason.UNPARSED, text)
        return b""
