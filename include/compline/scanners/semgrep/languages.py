"""Which files Semgrep takes for which language, out of its own table (`lang.json`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from compline.scanners.interface import CannotScan
from compline.tools.toolbox import Tool

_TABLE = "lib/python3*/site-packages/semgrep/semgrep_interfaces/lang.json"


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table."""

    name: str
    suffixes: tuple[str, ...]
    """Ends of file names, with a dot or (`Dockerfile`) without; empty: any file."""
    programs: frozenset[str]
    """Of the first line of an executable file."""

    @property
    def any_file(self) -> bool:
        """Whether rules for it are tried on every file (generic, regex)."""
        return self.suffixes in ((), ("",))

    @property
    def plain_suffix(self) -> str:
        """Its shortest suffix that begins with a dot."""
        return min((each for each in self.suffixes if each.startswith(".")), key=len)


class Languages:
    """The languages that rules are written in."""

    def __init__(self, keys: Mapping[str, Language]) -> None:
        """Takes every word that rules use for a language, with the language."""
        self._keys = dict(keys)
        self._by_name = {language.name: language for language in keys.values()}
        self.of_any_file = frozenset(each.name for each in keys.values() if each.any_file)
        """Names of those whose rules are tried on every file."""
        self.of_programs = frozenset(each.name for each in keys.values() if each.programs)
        """Names of those that the first line of an executable file may tell."""
        self._suffixes = {
            suffix: language
            for language in keys.values()
            if not language.any_file
            for suffix in language.suffixes
        }
        self._longest_first = sorted(self._suffixes, key=len, reverse=True)

    def name(self, key: str) -> str:
        """The language's name, by a word of a rule."""
        return self._keys[key].name

    def suffix(self, name: str) -> str:
        """The end of the file's name that decides; empty if none does."""
        return next((each for each in self._longest_first if name.endswith(each)), "")

    def suffix_of_program(self, program: str) -> str:
        """The suffix that a script for this interpreter would have; empty if it is none of ours."""
        for language in self._by_name.values():
            if program in language.programs:
                return language.plain_suffix
        return ""

    def neutral(self, suffix: str) -> str:
        """A suffix with a dot that means the same, for a file that has no other name."""
        return suffix if suffix.startswith(".") else self._suffixes[suffix].plain_suffix

    def of_suffix(self, suffix: str) -> frozenset[str]:
        """Names of the languages whose rules are tried on files that end so."""
        return frozenset(
            each.name for each in self._by_name.values() if suffix and suffix in each.suffixes
        )

    @classmethod
    def of_rules(cls, tool: Tool, named: Collection[str]) -> Languages:
        """The languages that rules name.

        Raises:
            CannotScan: Semgrep has no such language, or its table is not where it was.
        """
        table = _table(tool.home)
        unknown = sorted(set(named) - set(table))
        if unknown:
            raise CannotScan(
                f"Semgrep knows no language {unknown[0]!r}: mend the rule's `languages`"
            )
        return cls({key: table[key] for key in sorted(named)})


@cache
def _table(home: Path) -> dict[str, Language]:
    """Every key that a rule may write, to its language."""
    path = next(iter(sorted(home.glob(_TABLE))), None)
    if path is None:
        raise CannotScan(
            f"Semgrep's table of languages is not in {home}: run `compline tools install semgrep`"
        )
    table = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        language = Language(row["id"], tuple(row["exts"]), frozenset(row.get("shebangs") or ()))
        table.update(dict.fromkeys(row["keys"], language))
    return table
