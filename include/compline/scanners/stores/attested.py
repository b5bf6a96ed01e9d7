"""What the server cannot tell and people must attest: encryption of disks and backups. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

COLUMNS = ("item", "declared", "encrypted", "by", "on", "age_days", "signed")

ITEMS = ("backups", "disk")


def attestations(values: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """One row per item that somebody must vouch for, attested or not.

    Args:
        values: the policy's parameters; `attested` is {item: {encrypted, by, on}}, and
            `encrypted_at_rest` says the same of all items without date and name.
        now: when the age is counted.

    Raises:
        ValueError: a date that is none.
    """
    given = values.get("attested") or {}
    short = values.get("encrypted_at_rest")
    return [_row(item, given.get(item), short, now) for item in sorted({*ITEMS, *given})]


def _row(item: str, given: Mapping[str, Any] | None, short: Any, now: datetime) -> dict[str, Any]:
    if given is None:
        given = {} if short is None else {"encrypted": short}
    by, on = str(given.get("by") or ""), str(given.get("on") or "")
    return {
        "item": item,
        "declared": bool(given),
        "encrypted": given.get("encrypted"),
        "by": by,
        "on": on,
        "age_days": (now.date() - date.fromisoformat(on)).days if on else None,
        "signed": bool(by and on),
    }
