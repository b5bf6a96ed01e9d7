"""Environments of their own, for services of the tests whose pins differ from ours."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import uv

ROOT = Path(__file__).parents[2]


def environment(name: str) -> Path:
    """The programs of `requirements/NAME.txt`, installed once and kept under the workspace."""
    # Its programs name their own path, which must outlive a link to it.
    home = (ROOT / ".compline").resolve() / "tests" / f"{name}-env"
    requirements = ROOT / "requirements" / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    mark = home / "requirements.sha256"
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may install it now
        if not mark.is_file() or mark.read_text() != digest:
            tool = uv.find_uv_bin()
            subprocess.run(
                [tool, "venv", "-q", "--clear", "--python", sys.executable, home], check=True
            )
            install = [tool, "pip", "install", "-q", "--compile-bytecode", "--require-hashes"]
            subprocess.run(
                [*install, "--python", home / "bin" / "python", "-r", requirements], check=True
            )
            mark.write_text(digest)
    return home / "bin"
