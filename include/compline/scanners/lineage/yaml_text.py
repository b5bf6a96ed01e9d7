"""YAML of a repository, which is hostile: small, plain, without aliases."""

from __future__ import annotations

from typing import Any

import yaml

_LARGEST = 1_000_000


class Unreadable(Exception):
    """It is no YAML that we read; the message says why in a few words."""


def load(text: str) -> Any:
    """Plain values.

    Raises:
        Unreadable: too large, not YAML, or with aliases (one line of them can mean gigabytes).
    """
    if len(text) > _LARGEST:
        raise Unreadable("too large")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise Unreadable("it has aliases")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(f"line {mark.line + 1}: not YAML" if mark else "not YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Unreadable("not YAML") from None
