"""Comments that ask trivy to ignore something: blunted in the copy that it reads, and noted.

Trivy leaves out what such a comment names, and does not say so. So the copy of the repository that
it gets says `trivy_ignore`, which it does not know: same length, same lines. Whether the comment
is honoured is decided later, with everybody able to see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_COMMENT = re.compile(rb"(?:(?<=[\s#/*])|^)(trivy|tfsec):(?=[^\s]*?ignore:[^\s:]+)", re.MULTILINE)
_IDS = re.compile(r"(?:^|[\s#/*])(?:trivy|tfsec):\S*?ignore:([^\s:\[]+)")
_ONLY_COMMENT = re.compile(r"\s*[#/*]+\s*(?:trivy|tfsec):\S*ignore:")


def blunt(directory: Path, paths: Iterable[str]) -> dict[str, str]:
    """Blunts the comments in files below a directory; gives the original texts, by path."""
    originals = {}
    for path in paths:
        file = directory / path
        if not file.is_file():
            continue  # what could not be exported is a gap already
        content = file.read_bytes()
        if b"ignore:" not in content:
            continue
        blunted = _COMMENT.sub(rb"\1_", content)
        if blunted != content:
            file.write_bytes(blunted)
            originals[path] = content.decode(errors="replace")
    return originals


def suppression(text: str, line: int, rule: str) -> str:
    """The comment that asks to ignore a rule on a line; empty if there is none.

    It stands on the line itself, or alone on the lines directly above. Only ids and `*` are
    understood: whether a long name (`aws-s3-enable-versioning`) means the rule, only trivy knows.
    """
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return ""
    candidates = [lines[line - 1]]
    above = line - 2
    while above >= 0 and _ONLY_COMMENT.match(lines[above]):
        candidates.append(lines[above])
        above -= 1
    for candidate in candidates:
        for wanted in _IDS.findall(candidate):
            if wanted == "*" or _plain(wanted) == _plain(rule):
                return f"trivy:ignore:{wanted}"
    return ""


def _plain(rule: str) -> str:
    """DS-0002, DS002 and AVD-DS-0002 are one."""
    letters, digits = re.fullmatch(r"(.*?)-?0*(\d*)", rule.upper().removeprefix("AVD-")).groups()  # type: ignore[union-attr]
    return f"{letters}{digits}"
