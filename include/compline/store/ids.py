"""Finding ids: short, permanent, given at first sight, never computed from what they name."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as a digit."""


def new_finding_id() -> str:
    """`CMP-` and twelve random characters: 60 bits, so a million ids collide with odds of 1 to
    two million, and a collision is an error of the primary key, never a mix-up."""
    return "CMP-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
