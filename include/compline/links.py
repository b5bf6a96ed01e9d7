"""Links of the asset graph, and what their names may be."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What stands before the @ is the container in `abfss://container@account`.
_USERINFO = re.compile(r"(https?://)[^/\s]*@|(://)[^/\s@:]*:[^/\s]*@")
_NAME = 300


def asset_name(text: str) -> str:
    """A name as it may be kept: files of strangers choose it, and it may be an address.

    One line of at most `_NAME` printable characters, without the user and password of an address.
    """
    if "@" in text:
        text = _USERINFO.sub(lambda found: found[1] or found[2], text)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _NAME else f"{text[: _NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Link:
    """Two assets of which the second depends on the first: what is wrong there reaches here.

    An asset is `kind/name`: a target by its kind and name (`image/scoring`), or `dataset/NAME`,
    `dag/NAME`, `model/NAME`, `model/NAME/VERSION`. Names are made `asset_name`s.
    """

    source: str
    destination: str
    how: str
    """Read from the first to the second: `is built into`, `trained`, `is served by`."""

    def __post_init__(self) -> None:
        for field_name in ("source", "destination", "how"):
            object.__setattr__(self, field_name, asset_name(getattr(self, field_name)))
