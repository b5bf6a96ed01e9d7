"""What rules of Redis users mean, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from compline.scanners.stores.redis.client import _without_hashes
from compline.scanners.stores.redis.frames import _reach
from compline.scanners.stores.redis.users import categories_of, user_rows

CATEGORIES = {"dangerous": ["flushall", "config|set", "config|get"], "read": ["get"]}
ASKED = ["flushall", "config|set", "debug"]


def row(flags: str) -> dict[str, Any]:
    (found,) = user_rows([f"user someone {flags}"], CATEGORIES, ASKED)
    return found


@pytest.mark.parametrize(
    ("flags", "dangerous"),
    [
        ("on nopass +@all", "config|set debug flushall"),
        ("on nopass allcommands -@dangerous", "debug"),
        ("on nopass -@dangerous +@all", "config|set debug flushall"),
        ("on nopass -@all +@read", ""),
        ("on nopass -@all +config", "config|set"),
        ("on nopass -@all +config|get", ""),
        ("on nopass +@all -config|set -flushall -debug", ""),
        ("on nopass -@all +CONFIG|SET", "config|set"),
        ("on nopass -@all +get (~x +flushall)", "flushall"),
        ("on nopass +@all nocommands", ""),
    ],
)
def test_the_last_rule_about_a_command_counts(flags: str, dangerous: str) -> None:
    assert row(flags)["dangerous"] == dangerous
    assert row(flags)["may_harm"] is bool(dangerous)


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        ("on # ~* +get", True),
        ("on # allkeys +get", True),
        ("on # %R~* +get", True),
        ("on # ~a:* +get", False),
        ("on # resetkeys +get (%RW~* +get)", True),
    ],
)
def test_who_reaches_every_key(flags: str, keys: bool) -> None:
    assert row(flags)["all_keys"] is keys


def test_passwords_and_states() -> None:
    assert [row(f)["password"] for f in ("on nopass +get", "on # +get", "off -@all")] == [
        "none wanted",
        "set",
        "none",
    ]
    assert row("off -@all")["enabled"] is False


@pytest.mark.parametrize("line", ["", "user", "user x", "role x on nopass"])
def test_a_line_that_is_no_rule(line: str) -> None:
    with pytest.raises(ValueError, match="not a rule"):
        user_rows([line], CATEGORIES, ASKED)


def test_hashes_are_dropped_and_categories_found() -> None:
    rule = "user a on #aa11 #bb22 ~* -@all +@read -@admin"

    assert _without_hashes(rule) == "user a on # # ~* -@all +@read -@admin"
    assert categories_of([rule]) == ("admin", "dangerous", "read")


@pytest.mark.parametrize(
    ("bind", "reach"),
    [
        ("127.0.0.1 -::1", "loopback"),
        ("", "all"),
        ("* -::*", "all"),
        ("0.0.0.0", "all"),
        ("10.0.0.5 127.0.0.1", "network"),
        ("cache.internal", "network"),
    ],
)
def test_how_far_addresses_reach(bind: str, reach: str) -> None:
    assert _reach(bind) == reach
