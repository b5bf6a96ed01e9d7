"""Counts rows of a report; nothing here should be found."""

import hashlib
import json
from pathlib import Path


def load(path: Path) -> list[dict]:
    """Rows of a JSON report."""
    return json.loads(path.read_text(encoding="utf-8"))


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
