"""One manifest's content to what it pins, whatever its kind."""

from __future__ import annotations

from compline.scanners.requirements.find import Kind
from compline.scanners.requirements.lines import read_lines
from compline.scanners.requirements.locks import read_pipfile_lock, read_toml_lock
from compline.scanners.requirements.model import Manifest
from compline.scanners.requirements.notebook import read_notebook
from compline.scanners.requirements.pyproject import read_pyproject

_MOST = 20_000
"""Entries in one manifest; the longest real locks have some thousands."""


class Unreadable(Exception):
    """The manifest cannot be understood at all; the message says why without quoting it."""


def read_manifest(kind: Kind, content: bytes) -> Manifest:
    """Reads a manifest.

    Raises:
        Unreadable: it is not what its name says, or is too large.
    """
    try:
        text = _decoded(content)
        match kind:
            case "toml-lock":
                manifest = read_toml_lock(text, "package")
            case "pylock":
                manifest = read_toml_lock(text, "packages")
            case "pipfile-lock":
                manifest = read_pipfile_lock(text)
            case "pyproject":
                manifest = read_pyproject(text)
            case "notebook":
                manifest = read_notebook(text)
            case "requirements" | "inputs" | "constraints":
                if text.count("=") > 20 * _MOST:  # hashes are part of it
                    raise Unreadable(f"it has more than {_MOST} entries")
                manifest = read_lines(text)
            case "opaque":
                return Manifest()
    except UnicodeDecodeError as error:
        raise Unreadable("it is not text") from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    except ValueError as error:
        # A parser's message may quote the file, which may hold credentials.
        raise Unreadable(f"it is not valid ({type(error).__name__})") from error
    if len(manifest.pins) + len(manifest.unpinned) > _MOST:
        raise Unreadable(f"it has more than {_MOST} entries")
    return manifest


def _decoded(content: bytes) -> str:
    # pip knows these byte order marks; PowerShell writes UTF-16 when it redirects `pip freeze`.
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode()
