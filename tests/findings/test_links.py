"""Names of assets come from files of strangers."""

from __future__ import annotations

import pytest

from compline.model import Link


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("dataset/claims", "dataset/claims"),
        ("dataset/a\0b\nc\u202ed", "dataset/a\ufffdb\ufffdc\ufffdd"),
        ("dataset/\ud800", "dataset/\ufffd"),
        ("dataset/" + "x" * 400, "dataset/" + "x" * 291 + "\u2026"),
        ("dataset/postgresql://ann:pw@db/crm", "dataset/postgresql://db/crm"),
        ("dataset/https://token@host/a", "dataset/https://host/a"),
        ("dataset/abfss://claims@acme/a", "dataset/abfss://claims@acme/a"),
    ],
)
def test_a_name_is_one_short_line_without_a_credential(given: str, kept: str) -> None:
    link = Link(given, given, given)
    assert (link.source, link.destination, link.how) == (kept, kept, kept)
    assert Link(kept, kept, kept) == link
