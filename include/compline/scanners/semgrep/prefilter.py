"""Which rules can match in a file at all, by the words that Semgrep itself says they need.

Before it tries a rule on a file, Semgrep looks for words that every match would contain. With two
hundred rules that search is three quarters of its work, since it goes through the file once per
rule and word. Here the same formula, as `semgrep-core -prefilter_of_rules` prints it, is worked
out with each word looked for once; what it leaves over is told to Semgrep by the file's name,
which a pattern in each rule's `paths:` matches. Whatever is not understood counts as a match.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from compline.tools.process import ProcessLimits, ToolError, run
from compline.tools.toolbox import Tool

_CORE = "lib/python3*/site-packages/semgrep/bin/semgrep-core"
_SECONDS = 120
_LONGEST = 180
"""Characters of a mark; file systems end names at 255 bytes."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

ANY_RULE = "_all_"
"""In the name of a file on which every rule is tried."""

_Formula = Callable[[Callable[[bytes], bool]], bool]


def mark(number: int) -> str:
    """What the name of a file holds on which the rule of that number is tried."""
    text = ""
    while number or not text:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return f"_{text}_"


class Prefilter:
    """The formulas of all rules."""

    def __init__(self, formulas: Mapping[int, _Formula]) -> None:
        """Takes the formula of every rule, by the rule's number."""
        self._formulas = [(mark(number), formula) for number, formula in formulas.items()]

    def marks(self, content: bytes) -> str:
        """The part of a file's name that says which rules are tried on it."""
        known: dict[bytes, bool] = {}

        def holds(word: bytes) -> bool:
            if word not in known:
                known[word] = word in content
            return known[word]

        chosen = [name for name, formula in self._formulas if formula(holds)]
        joined = "".join(chosen).replace("__", "_")
        return joined if self._formulas and len(joined) <= _LONGEST else ANY_RULE


def read_prefilter(tool: Tool, compiled: bytes, memory_mb: int) -> Prefilter:
    """Asks Semgrep for the formulas of compiled rules; if it does not tell, none is left out."""
    core = next(iter(sorted(tool.home.glob(_CORE))), None)
    if core is None:
        return Prefilter({})
    with tempfile.TemporaryDirectory(prefix="compline-rules-") as directory:
        rules = Path(directory) / "rules.json"
        rules.write_bytes(compiled)
        try:
            finished = run(
                [core, "-prefilter_of_rules", rules],
                limits=ProcessLimits(_SECONDS, memory_mb, 64),
                readable=[core.parent, rules.parent],
                cwd=rules.parent,
            )
            return Prefilter(_formulas(finished.stdout, compiled))
        except (ToolError, ValueError, KeyError, TypeError, RecursionError):
            return Prefilter({})


def _formulas(stdout: bytes, compiled: bytes) -> dict[int, _Formula]:
    said = {each["rule_id"]: _formula(each["filter"]) for each in json.loads(stdout)}
    rules = json.loads(compiled)["rules"]
    return {number: said.get(rule["id"], _always) for number, rule in enumerate(rules)}


def _formula(node: Any) -> _Formula:
    """`["Some", formula]`, `"None"`, and below: `And`, `Or`, `Pred` of `Idents` or of `Regexp`."""
    match node:
        case ["Some", inner]:
            return _formula(inner)
        case ["And", [_, *_] as parts]:
            return partial(_all, [_formula(part) for part in parts])
        case ["Or", [_, *_] as parts]:
            return partial(_any, [_formula(part) for part in parts])
        case ["Pred", ["Idents", [_, *_] as words]] if all(isinstance(word, str) for word in words):
            # Any of several will do: that may be more files than Semgrep would take, never fewer.
            return partial(_any, [partial(_word, word.encode()) for word in words])
        case _:
            return _always


def _always(_holds: Callable[[bytes], bool]) -> bool:
    return True


def _all(parts: Sequence[_Formula], holds: Callable[[bytes], bool]) -> bool:
    return all(part(holds) for part in parts)


def _any(parts: Sequence[_Formula], holds: Callable[[bytes], bool]) -> bool:
    return any(part(holds) for part in parts)


def _word(word: bytes, holds: Callable[[bytes], bool]) -> bool:
    return holds(word)
