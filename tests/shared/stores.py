"""Empty stores that were made once: the migrations write to disk for a third of a second each."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from compline.store.engine import open_store


def empty_sqlite(path: Path) -> str:
    """URL of a store there, which is like one just made, unless one is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_made())
    return f"sqlite:///{path}"


@functools.cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with open_store(f"sqlite:///{path}"):
            pass
        # Whoever closes a store last leaves nothing in the log beside it.
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
        return path.read_bytes()
