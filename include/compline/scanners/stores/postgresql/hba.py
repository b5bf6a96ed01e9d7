"""The rules of pg_hba.conf as rows: who comes in from where, how. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

COLUMNS = (
    "rule", "line", "type", "database", "users", "address", "method", "transport", "reach",
    "options", "error",
)  # fmt: skip

_SECRETLESS_OPTIONS = frozenset({"clientcert", "clientname", "map", "include_realm", "krb_realm"})
_TRANSPORTS = {
    "local": "socket",
    "host": "any",
    "hostssl": "tls",
    "hostnossl": "plain",
    "hostgssenc": "gss",
    "hostnogssenc": "any",
}


def rules(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Every rule, with how far it reaches; a line that is not understood is a row too."""
    result = []
    for line, kind, database, users, address, netmask, method, options, error in rows:
        shown = _address(address, netmask)
        names = (kind or "?", ",".join(database or ()), ",".join(users or ()), shown)
        result.append(
            {
                "rule": " ".join(name for name in names if name),
                "line": line,
                "type": kind,
                "database": names[1],
                "users": names[2],
                "address": shown,
                # A line that is not understood has none of these, and no rule comes of it.
                "method": "unknown" if error else method,
                "transport": "unknown" if error else _TRANSPORTS[kind],
                "reach": "unknown" if error else _reach(kind, address, netmask),
                "options": " ".join(_without_secrets(option) for option in options or ()),
                "error": error or "",
            }
        )
    return result


def _address(address: str | None, netmask: str | None) -> str:
    if not address or not netmask:
        return address or ""
    bits = sum(bin(byte).count("1") for byte in ipaddress.ip_address(netmask).packed)
    return f"{address}/{bits}"


def _reach(kind: str | None, address: str | None, netmask: str | None) -> str:
    if kind == "local":
        return "socket"
    if address == "samehost":
        return "loopback"
    try:
        network = ipaddress.ip_network(_address(address, netmask), strict=False)
    except ValueError:
        return "network"
    return "loopback" if network.is_loopback else "network"


def _without_secrets(option: str) -> str:
    """LDAP and RADIUS options hold passwords: only the names of most are kept."""
    name, _, value = option.partition("=")
    return f"{name}={value}" if name in _SECRETLESS_OPTIONS else name
