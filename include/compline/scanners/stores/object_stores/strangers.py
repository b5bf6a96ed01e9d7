"""Answers that are none of the store's: a portal's page, nothing, a way to another address.

The libraries read them as answers that say nothing, which would be clean.
"""

from __future__ import annotations

import re

from compline.scanners.expectations.inventory import CannotCollect

_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<[?!][^>]*>\s*)*<(?:[\w.-]+:)?([\w.-]+)")
_ADVICE = "is the target's address right, and does no proxy or portal stand before the store?"


def xml_root(body: bytes) -> str:
    """The name of the root element; empty where there is none."""
    found = _ROOT.match(body)
    return found[1].decode() if found else ""


def strange(what: str) -> CannotCollect:
    """What to raise where an answer is none of the store's."""
    return CannotCollect(f"{what}: the answer is none of such a store: {_ADVICE}")


def redirected(what: str, status: int) -> CannotCollect:
    """What to raise where a store points elsewhere; nobody follows it."""
    return CannotCollect(
        f"{what}: {status}: the store points to another address, which is not followed: {_ADVICE}"
    )
