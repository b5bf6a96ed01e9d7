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
    result: list[dict[str, Any]] = []
    refused: list[_Refusal] = []
    for line, kind, database, users, address, netmask, method, options, error in rows:
        shown = _address(address, netmask)
        names = (kind or "?", ",".join(database or ()), ",".join(users or ()), shown)
        transport = "unknown" if error else _TRANSPORTS[kind]
        if transport in ("any", "plain"):
            who = (frozenset(database or ()), frozenset(users or ()), shown)
            if method == "reject":
                refused.append(who)
            elif any(_covers(one, who) for one in refused):
                # The first rule that fits decides: whoever comes without TLS never gets here.
                transport = "tls"
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
                "transport": transport,
                "reach": "unknown" if error else _reach(kind, address, netmask),
                "options": " ".join(_without_secrets(option) for option in options or ()),
                "error": error or "",
            }
        )
    return result


_Refusal = tuple[frozenset[str], frozenset[str], str]


def _covers(refusal: _Refusal, rule: _Refusal) -> bool:
    """Whether everybody whom the rule speaks of has been refused before."""
    databases, users, address = refusal
    # `all` does not speak of replication.
    of_all = "all" in databases and "replication" not in rule[0]
    if not (of_all or rule[0] <= databases) or not ("all" in users or rule[1] <= users):
        return False
    if address in ("all", rule[2]):
        return True
    try:
        wide, narrow = ipaddress.ip_network(address), ipaddress.ip_network(rule[2], strict=False)
    except ValueError:
        return False
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]


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
