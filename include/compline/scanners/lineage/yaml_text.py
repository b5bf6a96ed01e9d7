"""YAML of a repository, which is hostile: small, plain, without aliases."""

from __future__ import annotations

from typing import Any

import yaml

_LARGEST = 1_000_000
_DEEPEST = 100
"""PyYAML's time grows with the square of the depth: 5,000 brackets take it ten seconds."""


class Unreadable(Exception):
    """It is no YAML that we read; the message says why in a few words."""


def load(text: str) -> Any:
    """Plain values.

    Raises:
        Unreadable: too large, not YAML, or as `refuse_bombs`.
    """
    if len(text) > _LARGEST:
        raise Unreadable("too large")
    try:
        refuse_bombs(text)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(f"line {mark.line + 1}: not YAML" if mark else "not YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Unreadable("not YAML") from None


def refuse_bombs(text: str) -> None:
    """Reads it without building anything.

    Raises:
        Unreadable: it is nested deeply (a parser's time grows with the square of the depth), or
            has aliases (one line of them can mean gigabytes).
        yaml.YAMLError: it is not YAML.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("it has aliases")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise Unreadable("nested too deeply")
