"""Access rules of Redis users: what each may really call. Pure.

The language of the rules: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COLUMNS = (
    "user", "enabled", "is_default", "password", "all_keys", "all_channels", "dangerous",
    "may_harm",
)  # fmt: skip

_CATEGORY = re.compile(r"[+-]@(\w+)")


def categories_of(rules: Iterable[str]) -> tuple[str, ...]:
    """The categories that rules speak of, and `dangerous`, sorted; `all` has no list."""
    named = {name for rule in rules for name in _CATEGORY.findall(rule)}
    return tuple(sorted((named | {"dangerous"}) - {"all"}))


def user_rows(
    rules: Iterable[str], categories: Mapping[str, Sequence[str]], asked: Sequence[str]
) -> list[dict[str, Any]]:
    """One row per user; `dangerous` are those of the asked commands that it may call.

    Raises:
        ValueError: a line that is no rule.
    """
    return [_row(rule, categories, asked) for rule in rules]


def _row(
    rule: str, categories: Mapping[str, Sequence[str]], asked: Sequence[str]
) -> dict[str, Any]:
    words = rule.replace("(", " ( ").replace(")", " ) ").split()
    if len(words) < 3 or words[0] != "user":
        raise ValueError("not a rule of a user")
    name, flags = words[1], words[2:]
    selectors = list(_selectors(flags))
    root = set(flags)
    dangerous = sorted({c for s in selectors for c in asked if _may(s, c, categories)})
    return {
        "user": name,
        "enabled": "on" in root,
        "is_default": name == "default",
        "password": "none wanted" if "nopass" in root else "set" if "#" in root else "none",
        "all_keys": any(_all(selector, "~*", "allkeys") for selector in selectors),
        "all_channels": any(_all(selector, "&*", "allchannels") for selector in selectors),
        "dangerous": " ".join(dangerous),
        "may_harm": bool(dangerous),
    }


def _selectors(flags: Sequence[str]) -> Iterable[list[str]]:
    """The root's own words, then those of each selector in parentheses."""
    root: list[str] = []
    inner: list[list[str]] = []
    inside = False
    for word in flags:
        if word == "(":
            inside = True
            inner.append([])
        elif word == ")":
            inside = False
        else:
            (inner[-1] if inside else root).append(word)
    return [root, *inner]


def _all(selector: Sequence[str], *words: str) -> bool:
    # `%RW~*`, `%R~*` and `%W~*` reach every key too.
    return any(word in words or (word.startswith("%") and word[-2:] in words) for word in selector)


def _may(selector: Sequence[str], command: str, categories: Mapping[str, Sequence[str]]) -> bool:
    """Rules count in their order, the last that speaks of the command decides."""
    allowed = False
    parent = command.partition("|")[0]
    for word in selector:
        if word in ("+@all", "allcommands"):
            allowed = True
        elif word in ("-@all", "nocommands"):
            allowed = False
        elif word[:2] in ("+@", "-@"):
            members = {member.lower() for member in categories.get(word[2:], ())}
            if command in members or parent in members:
                allowed = word[0] == "+"
        elif word[:1] in "+-" and word[1:].lower() in (command, parent):
            allowed = word[0] == "+"
    return allowed
