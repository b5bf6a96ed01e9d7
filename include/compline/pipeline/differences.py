"""What two results of one content say differently, in words; pure.

Values of the results cache are JSON of several shapes, or plain words. What does not belong to the
statement (when it was asked, which documents prove it) and the order of statements take no part.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from compline.model import canonical_json

_BESIDE = frozenset({"asked", "evidence", "sandbox"})


def differences(before: bytes, now: bytes) -> tuple[str, ...]:
    """What only one of them says; empty if they say the same.

    Of an observation its rule and place, of an advisory its id, of a gap its reason: enough to
    look it up, and nothing of what was scanned.
    """
    old, new = _statements(before), _statements(now)
    gone = {words for words, _ in old - new}
    come = {words for words, _ in new - old}
    return (
        *(f"{words} is no longer the same" for words in sorted(gone & come)),
        *(f"{words} only in the cache" for words in sorted(gone - come)),
        *(f"{words} only in the new scan" for words in sorted(come - gone)),
    )


def _statements(value: bytes) -> Counter[tuple[str, bytes]]:
    """Words for and the whole of everything that is said, as often as it is said."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return Counter([("the value", value)])
    return Counter(_each(parsed, "the value"))


def _each(value: Any, name: str) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in _BESIDE:
                yield from _each(part, key)
    elif isinstance(value, list):
        for item in value:
            whole = {k: v for k, v in item.items() if k not in _BESIDE} if _is_map(item) else item
            yield _words(item, name), canonical_json(whole)
    else:
        yield name, canonical_json(value)


def _is_map(item: Any) -> bool:
    return isinstance(item, dict)


def _words(item: Any, name: str) -> str:
    if not _is_map(item):
        return name
    what = next((str(item[key]) for key in ("rule", "id", "name") if item.get(key)), "")
    if item.get("reason"):
        what = f"gap {item['reason']}"
    place = item.get("place") or item
    path, line = place.get("path") or "", place.get("line")
    where = f"{path}:{line}" if path and line else path or (f"line {line}" if line else "")
    return f"{what or name} at {where}" if where else what or name
