"""Code evidence by content: what a span of a blob is known by is worked out once.

Reports of one repository speak of the same files night after night. Parsing these is most of what
an import costs, and gives the same every time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from compline.findings import cwe, fingerprints, outline, syntax, tokens
from compline.model import Place, ScanKey
from compline.scanners.blobs import spans
from compline.scanners.blobs.spans import Span
from compline.store.cache import ResultCache

_NAME = "code"
_MODULES = (cwe, fingerprints, outline, syntax, tokens, spans)
"""All that decides what a span is known by."""

Fingerprints = tuple[tuple[str, str], ...]


@cache
def code_version() -> str:
    """Changes with anything that places and fingerprints of code depend on.

    It is taken of the source itself, which nobody can forget to count up: of symbols and scopes
    only the matcher knows that they have changed. The interpreter parses, and so it counts too.
    """
    parts = [sys.version.encode()]
    parts += [Path(str(module.__file__)).read_bytes() for module in _MODULES]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


class KnownCode:
    """What was worked out before, and what was added to it."""

    def __init__(self, cache: ResultCache | None = None) -> None:
        """Args: cache: where it is kept; None: nowhere."""
        self._cache = cache
        self._key = ScanKey(tool=code_version(), adapter="code/1")
        self._known: dict[str, dict[str, Any]] = {}
        self._new: set[str] = set()

    def load(self, contents: Iterable[str]) -> None:
        """Reads what is known of some contents; a content is a blob and how it is read."""
        if self._cache is not None:
            found = self._cache.get_many(_NAME, self._key, contents)
            self._known |= {content: json.loads(value) for content, value in found.items()}

    def get(
        self, content: str, path: str, blob: str, span: Span, *, masked: bool
    ) -> tuple[Place, Fingerprints] | None:
        """The place of a span, under a path, with its fingerprints; None if it is not known."""
        found = self._known.get(content, {}).get(_name(span, masked))
        if found is None:
            return None
        line, end_line, column, end_column, cell, symbol, scope, values = found
        place = Place(path, line, end_line, column, end_column, cell, symbol, blob, scope)
        return place, tuple((version, value) for version, value in values)

    def add(
        self, content: str, span: Span, place: Place, values: Fingerprints, *, masked: bool
    ) -> None:
        """Notes what was worked out."""
        where = (place.line, place.end_line, place.column, place.end_column, place.cell)
        known = (*where, place.symbol, place.scope, values)
        self._known.setdefault(content, {})[_name(span, masked)] = known
        self._new.add(content)

    def save(self) -> None:
        """Keeps what was added."""
        if self._cache is not None:
            values = {
                content: json.dumps(self._known[content], separators=(",", ":")).encode()
                for content in self._new
            }
            self._cache.put_many(_NAME, self._key, values)
        self._new.clear()


def _name(span: Span, masked: bool) -> str:
    columns = f"{span.column or ''}-{span.end_column or ''}"
    return f"{span.line}-{span.end_line}:{columns}{'*' if masked else ''}"
