"""Which files are manifests, by their names."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "requirements",
    "constraints",
    "inputs",
    "toml-lock",
    "pylock",
    "pipfile-lock",
    "pyproject",
    "notebook",
    "opaque",
]

_TEXT = re.compile(r"(.*[-_.])?(requirements|constraints)([-_.].*)?\.(txt|in)", re.IGNORECASE)
_FOLDER = re.compile(r"(.*/)?(requirements|constraints)/([^/]+/)?[^/]+\.(txt|in)", re.IGNORECASE)
_PYLOCK = re.compile(r"pylock(\.[^/.]+)?\.toml")
_NAMES: dict[str, Kind] = {
    "uv.lock": "toml-lock",
    "poetry.lock": "toml-lock",
    "pdm.lock": "toml-lock",
    "Pipfile.lock": "pipfile-lock",
    "pyproject.toml": "pyproject",
    # What these require is known only by executing them, or to another package manager.
    "setup.py": "opaque",
    "setup.cfg": "opaque",
    "environment.yml": "opaque",
    "environment.yaml": "opaque",
}


def kind_of(path: str) -> Kind | None:
    """What sort of manifest the file is; None if it is none.

    `inputs` are files that a compiler of locks reads (`requirements.in`): they count only where
    nothing compiled lies beside them.
    """
    name = path.rpartition("/")[2]
    if name in _NAMES:
        return _NAMES[name]
    if name.endswith(".ipynb"):
        return "notebook"
    if _PYLOCK.fullmatch(name):
        return "pylock"
    match = _TEXT.fullmatch(name)
    if match is None and not _FOLDER.fullmatch(path):
        return None
    if name.lower().endswith(".in"):
        return "inputs"
    word = match.group(2) if match else path.split("/")[-2]
    return "constraints" if word.lower() == "constraints" else "requirements"
