"""Ignore files of a scanned repository, read as their tools would; pure, and never obeyed here.

Files and formats: `.trivyignore` and `.trivyignore.yaml` (Trivy's documentation, "Filtering"),
`.semgrepignore` (gitignore's patterns), `.bandit` (an INI file) and `[tool.bandit]` in
pyproject.toml. What cannot be read asks for nothing.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from compline.scanners.lineage import yaml_text

_MOST = 1_000
"""Entries of one file that are read; more is no policy that anybody reviews."""
_WORD = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignored:
    """One entry: what it asks not to be told about."""

    line: int | None
    """In the file, from 1; None where the format does not tell."""
    scanner: str
    rules: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Globs in which `*` matches `/` too."""
    expires: date | None = None
    reason: str = ""


def ignored(path: str, content: bytes) -> tuple[Ignored, ...]:
    """What an ignore file at the root of a repository asks for."""
    read = FILES[path]
    try:
        found = list(read(content.decode("utf-8")))
    except (ValueError, configparser.Error, yaml_text.Unreadable, RecursionError):
        return ()
    return tuple(found[:_MOST])


def _trivyignore(text: str) -> Iterator[Ignored]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            ends = next((word[4:] for word in words[1:] if word.startswith("exp:")), "")
            yield Ignored(number, "trivy", _trivy_rules(words[0]), expires=_day(ends))


def _trivyignore_yaml(text: str) -> Iterator[Ignored]:
    document = yaml_text.load(text)
    if not isinstance(document, dict):
        return
    lines = text.splitlines()
    for kind in ("vulnerabilities", "misconfigurations", "secrets", "licenses"):
        entries = document.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("id"), str):
                name = entry["id"]
                place = next((n for n, line in enumerate(lines, 1) if name in line), None)
                paths = entry.get("paths")
                globs = (glob for path in _texts(paths) for glob in _globs(f"/{path}"))
                yield Ignored(
                    place,
                    "trivy",
                    _trivy_rules(name),
                    tuple(globs),
                    _day(str(entry.get("expired_at") or "")),
                    str(entry.get("statement") or ""),
                )


def _semgrepignore(text: str) -> Iterator[Ignored]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        # What is let in again, or comes from other files, is not asked to be ignored.
        if line and not line.startswith(("#", "!", ":")):
            yield Ignored(number, "semgrep", paths=tuple(_globs(line)))


def _bandit_ini(text: str) -> Iterator[Ignored]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    if parser.has_section("bandit"):
        section = dict(parser["bandit"])
        yield from _bandit(text, _words(section.get("skips")), _words(section.get("exclude")))


def _bandit_toml(text: str) -> Iterator[Ignored]:
    tool = tomllib.loads(text).get("tool")
    section = tool.get("bandit") if isinstance(tool, dict) else None
    if isinstance(section, dict):
        yield from _bandit(text, _texts(section.get("skips")), _texts(section.get("exclude_dirs")))


def _bandit(text: str, skips: list[str], excluded: list[str]) -> Iterator[Ignored]:
    lines = text.splitlines()

    def line_of(word: str) -> int | None:
        return next((number for number, line in enumerate(lines, 1) if word in line), None)

    for rule in skips:
        yield Ignored(line_of(rule), "bandit", (rule,))
    for path in excluded:
        yield Ignored(line_of(path), "bandit", paths=tuple(_globs(path.removeprefix("."))))


FILES: Mapping[str, Callable[[str], Iterator[Ignored]]] = {
    ".trivyignore": _trivyignore,
    ".trivyignore.yaml": _trivyignore_yaml,
    ".semgrepignore": _semgrepignore,
    ".bandit": _bandit_ini,
    "pyproject.toml": _bandit_toml,
}
"""Path at the root of a repository to its reader."""


def _trivy_rules(name: str) -> tuple[str, ...]:
    """An id with and without the prefix that Trivy gives its own checks."""
    return (name, name.removeprefix("AVD-")) if name.startswith("AVD-") else (name,)


def _globs(pattern: str) -> Iterator[str]:
    """A pattern of gitignore as globs: it names a file or a directory, anywhere unless anchored."""
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/").replace("**", "*")
    if body:
        for start in ("",) if anchored else ("", "*/"):
            if not pattern.endswith("/"):
                yield f"{start}{body}"
            yield f"{start}{body}/*"


def _words(text: str | None) -> list[str]:
    return _WORD.findall(text or "")


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
