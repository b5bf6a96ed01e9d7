"""Turns a PostgreSQL server's answers into the frames that suites speak of. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.stores.postgresql.queries import QUERIES, ROW_LIMIT, SETTINGS, Answers

_PLACES = {
    "settings": "setting/",
    "connection": "connection/",
    "hba": "hba/",
    "roles": "role/",
    "memberships": "membership/",
    "schema_grants": "schema/",
    "tables": "table/",
    "table_grants": "table/",
}
"""Where the findings of a frame are, which is what a gap in it covers."""

_Rows = Iterable[tuple[Any, ...]]

_READING = frozenset({"SELECT", "USAGE"})
_SECRETLESS_OPTIONS = frozenset({"clientcert", "clientname", "map", "include_realm", "krb_realm"})
_POWERFUL = frozenset(
    {
        "pg_execute_server_program",
        "pg_read_all_data",
        "pg_read_server_files",
        "pg_write_all_data",
        "pg_write_server_files",
    }
)
"""Predefined roles that reach every table or the server's files."""


def inventory_of(answers: Answers, grants: Mapping[str, Any]) -> Inventory:
    """The inventory; `grants` is the policy's {role: {resource: [privilege]}}, `*` allowed.

    Raises:
        CannotCollect: an answer is missing, or shaped otherwise than asked for.
    """
    frames = {}
    makers: dict[str, Callable[[_Rows], list[dict[str, Any]]]] = {
        "settings": _settings,
        "connection": lambda rows: _connection(rows, answers.our_end),
        "hba": _hba,
        "roles": _roles,
        "memberships": lambda rows: _memberships(rows, answers.rows.get("roles", ())),
        "schema_grants": lambda rows: _schema_grants(rows, grants),
        "tables": _tables,
        "table_grants": lambda rows: _table_grants(rows, grants),
    }
    for name in QUERIES:
        if name in answers.refused:
            continue
        if name not in answers.rows:
            raise CannotCollect(f"PostgreSQL gave no answer about {name}")
        columns = _COLUMNS[name]
        try:
            rows = makers[name](answers.rows[name])
        except (ValueError, TypeError, KeyError) as error:
            raise CannotCollect(f"PostgreSQL's answer about {name} is not understood") from error
        frames[name] = frame_of(columns, rows)
    return Inventory(
        frames=frames,
        refused={
            name: Gap(GapReason.FORBIDDEN, _PLACES[name], _refusal(name, reason))
            for name, reason in answers.refused.items()
        },
        gaps=(
            *(
                Gap(GapReason.TRUNCATED, _PLACES[name], f"more than {ROW_LIMIT} rows of {name}")
                for name in sorted(answers.truncated)
            ),
            *_hidden_settings(answers.rows.get("settings")),
        ),
    )


_COLUMNS: Mapping[str, Sequence[str]] = {
    "settings": ("name", "value", "source"),
    "connection": ("transport", "version", "cipher", "bits", "server_version", "database", "role"),
    "hba": (
        "rule", "line", "type", "database", "users", "address", "method", "transport", "reach",
        "options", "error",
    ),
    "roles": (
        "name", "superuser", "createrole", "createdb", "replication", "bypassrls", "login",
        "valid_until", "connection_limit", "predefined",
    ),
    "memberships": ("role", "member", "admin_option", "powerful"),
    "schema_grants": ("schema", "grantee", "to_public", "access", "privileges", "undeclared"),
    "tables": ("table", "kind", "owner", "row_security"),
    "table_grants": ("table", "grantee", "to_public", "access", "privileges", "undeclared"),
}  # fmt: skip


def _settings(rows: _Rows) -> list[dict[str, Any]]:
    return [{"name": name, "value": value, "source": source} for name, value, source in rows]


def _hidden_settings(rows: _Rows | None) -> Iterator[Gap]:
    """The server leaves settings out that the account may not see, without a word."""
    if rows is not None:
        for name in sorted(set(SETTINGS) - {row[0] for row in rows}):
            yield Gap(
                GapReason.FORBIDDEN,
                f"setting/{name}",
                f"{name} is not shown; GRANT pg_read_all_settings to the account",
            )


def _connection(rows: _Rows, our_end: str) -> list[dict[str, Any]]:
    result = []
    for tls, version, cipher, bits, socket, server_version, database, role in rows:
        their_end = "tls" if tls else "socket" if socket else "plain"
        # A pooler in between may encrypt one leg only: the worse one counts.
        transport = next(t for t in ("plain", "tls", "socket") if t in (our_end, their_end))
        result.append(
            {
                "transport": transport,
                "version": version,
                "cipher": cipher,
                "bits": bits,
                "server_version": server_version,
                "database": database,
                "role": role,
            }
        )
    if len(result) != 1:
        raise ValueError
    return result


_TRANSPORTS = {
    "local": "socket",
    "host": "any",
    "hostssl": "tls",
    "hostnossl": "plain",
    "hostgssenc": "gss",
    "hostnogssenc": "any",
}


def _hba(rows: _Rows) -> list[dict[str, Any]]:
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


def _roles(rows: _Rows) -> list[dict[str, Any]]:
    columns = _COLUMNS["roles"][:-1]
    return [
        {**dict(zip(columns, row, strict=True)), "predefined": str(row[0]).startswith("pg_")}
        for row in rows
    ]


def _memberships(rows: _Rows, roles: _Rows) -> list[dict[str, Any]]:
    superusers = {name for name, superuser, *_ in roles if superuser}
    return [
        {
            "role": role,
            "member": member,
            "admin_option": admin,
            "powerful": role in superusers or role in _POWERFUL,
        }
        for role, member, admin in rows
        if not str(member).startswith("pg_")
    ]


def _tables(rows: _Rows) -> list[dict[str, Any]]:
    return [
        {"table": f"{schema}.{name}", "kind": kind, "owner": owner, "row_security": secured}
        for schema, name, kind, owner, secured in rows
    ]


def _schema_grants(rows: _Rows, grants: Mapping[str, Any]) -> list[dict[str, Any]]:
    plain = ((schema, *rest) for schema, *rest in rows)
    return [{"schema": row.pop("resource"), **row} for row in _grouped(plain, grants, "schema:")]


def _table_grants(rows: _Rows, grants: Mapping[str, Any]) -> list[dict[str, Any]]:
    plain = ((f"{schema}.{name}", *rest) for schema, name, *rest in rows)
    return [{"table": row.pop("resource"), **row} for row in _grouped(plain, grants, "")]


def _grouped(
    rows: Iterable[tuple[Any, ...]], grants: Mapping[str, Any], prefix: str
) -> list[dict[str, Any]]:
    """One row per resource, grantee and sort of access, with the privileges beyond the policy."""
    groups: dict[tuple[str, str, bool, str], set[str]] = {}
    for resource, grantee, to_public, privilege, _grantable in rows:
        access = "read" if privilege in _READING else "write"
        groups.setdefault((resource, grantee, to_public, access), set()).add(privilege)
    return [
        {
            "resource": resource,
            "grantee": grantee,
            "to_public": to_public,
            "access": access,
            "privileges": " ".join(sorted(privileges)),
            "undeclared": " ".join(
                sorted(privileges - _declared(grants.get(grantee, {}), prefix + resource))
            ),
        }
        for (resource, grantee, to_public, access), privileges in sorted(groups.items())
    ]


def _declared(resources: Mapping[str, Sequence[str]], resource: str) -> set[str]:
    return {
        privilege.upper()
        for pattern, privileges in resources.items()
        # A pattern for tables never speaks of schemas, whose names have a prefix.
        if pattern.startswith("schema:") == resource.startswith("schema:")
        and fnmatchcase(resource, pattern)
        for privilege in privileges
    }


def _refusal(name: str, reason: str) -> str:
    hint = ""
    if name == "hba":
        hint = (
            "; GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() and SELECT ON "
            "pg_catalog.pg_hba_file_rules to the account"
        )
    return f"{name}: {reason}{hint}"
