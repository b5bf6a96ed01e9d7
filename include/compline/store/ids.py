"""Ids: short, permanent, given at first sight, never computed from what they name."""

from __future__ import annotations

import base64
import secrets

# Crockford's base 32 instead of the RFC's: it has no letter that is read as a digit.
_CROCKFORD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)


def new_finding_id() -> str:
    """`CMP-` and twelve random characters, 60 bits.

    Among a million ids one in two million stores would see a collision; then the primary key
    refuses the record, and nothing is mixed up.
    """
    return "CMP-" + _letters()


def new_waiver_id() -> str:
    """`WVR-` and twelve random characters."""
    return "WVR-" + _letters()


def is_finding_id(text: str) -> bool:
    """Whether it has the shape of one."""
    return text.startswith("CMP-")


def _letters() -> str:
    return base64.b32encode(secrets.token_bytes(8))[:12].translate(_CROCKFORD).decode()
