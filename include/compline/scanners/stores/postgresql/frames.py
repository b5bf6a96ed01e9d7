"""Turns a PostgreSQL server's answers into the frames that suites speak of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.stores import attested, certificate
from compline.scanners.stores.postgresql import access, hba, meaning
from compline.scanners.stores.postgresql.members import Memberships
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
    "auditing": "setting/",
    "ciphers": "setting/",
    "certificates": "certificate/",
    "attestations": "attestation/",
    "reached": "membership/",
    "labels": "label/",
    "accounts": "account/",
}
"""Where the findings of a frame are, which is what a gap in it covers."""

_Rows = Iterable[tuple[Any, ...]]

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


def inventory_of(answers: Answers, values: Mapping[str, Any], now: datetime) -> Inventory:
    """The inventory.

    Args:
        answers: the server's.
        values: the suite's parameters as the policy binds them.
        now: when certificates and attestations are judged.

    Raises:
        CannotCollect: an answer is missing, or shaped otherwise than asked for.
    """
    grants, labels = values.get("grants") or {}, access.Labels(values.get("labels") or {})
    makers: dict[str, Callable[[_Rows], list[dict[str, Any]]]] = {
        "settings": _settings,
        "connection": lambda rows: _connection(rows, answers.our_end),
        "hba": hba.rules,
        "roles": _roles,
        "memberships": lambda rows: _memberships(rows, answers.rows.get("roles", ())),
        "schema_grants": lambda rows: access.schema_grants(rows, grants),
        "tables": lambda rows: access.table_rows(rows, labels, values.get("row_security") or ()),
        "table_grants": lambda rows: access.table_grants(
            rows, grants, labels, values.get("readers") or {}
        ),
    }
    frames = {}
    for name in QUERIES:
        if name in answers.refused:
            continue
        if name not in answers.rows:
            raise CannotCollect(f"PostgreSQL gave no answer about {name}")
        with _understood(name):
            frames[name] = frame_of(_COLUMNS[name], makers[name](answers.rows[name]))
    refused = {
        name: Gap(GapReason.FORBIDDEN, _PLACES[name], _refusal(name, reason))
        for name, reason in answers.refused.items()
    }
    for name, sources, make in _derived(answers, values, now):
        missing = [source for source in sources if source in refused]
        if missing:
            place = _PLACES[name]
            refused[name] = Gap(GapReason.FORBIDDEN, place, f"{name}: no {', '.join(missing)}")
            continue
        with _understood(name):
            frames[name] = frame_of(_COLUMNS[name], make())
    return Inventory(
        frames=frames,
        refused=refused,
        gaps=(
            *(
                Gap(GapReason.TRUNCATED, place, f"more than {ROW_LIMIT} rows of {name}")
                for name in sorted(answers.truncated)
                for place in sorted(_cut(name))
            ),
            *_hidden_settings(answers.rows.get("settings")),
            *(
                Gap(GapReason.NOT_REPORTED, _PLACES["certificates"], shown.error)
                for shown in answers.handshakes
                if shown.error
            ),
        ),
    )


def _cut(name: str) -> set[str]:
    """Where findings may be missing when this answer was cut."""
    made = {"accounts": _ACCOUNTS_FROM, "reached": _REACHED_FROM, "labels": ("tables",)}
    return {_PLACES[name], *(_PLACES[frame] for frame, sources in made.items() if name in sources)}


_Made = tuple[str, Sequence[str], Callable[[], list[dict[str, Any]]]]


def _derived(answers: Answers, values: Mapping[str, Any], now: datetime) -> Iterator[_Made]:
    """(frame, answers that it is made of, how)."""
    rows = answers.rows
    settings = {name: value for name, value, _source in rows.get("settings", ())}
    wanted = {
        "audit": values.get("audit_libraries") or (),
        "passwords": values.get("password_libraries") or (),
    }
    labels = access.Labels(values.get("labels") or {})
    yield "auditing", ("settings",), lambda: meaning.auditing(settings, wanted)
    yield "ciphers", ("settings",), lambda: meaning.ciphers(settings)
    yield "certificates", (), lambda: certificate.certificates(answers.handshakes, now)
    yield "attestations", (), lambda: attested.attestations(values, now)
    yield (
        "labels",
        ("tables",),
        lambda: labels.rows(f"{schema}.{name}" for schema, name, *_ in rows["tables"]),
    )
    yield (
        "reached",
        _REACHED_FROM,
        lambda: list(access.reached(rows, labels, values.get("readers") or {})),
    )
    yield (
        "accounts",
        _ACCOUNTS_FROM,
        lambda: access.account_rows(
            rows,
            values.get("accounts") or (),
            values.get("grants") or {},
            values.get("account_powers") or {},
        ),
    )


@contextmanager
def _understood(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise CannotCollect(f"PostgreSQL's answer about {name} is not understood") from error


_ACCOUNTS_FROM = ("roles", "memberships", "schema_grants", "tables", "table_grants")
_REACHED_FROM = ("roles", "memberships", "tables", "table_grants")

_COLUMNS: Mapping[str, Sequence[str]] = {
    "settings": ("name", "value", "source"),
    "connection": ("transport", "version", "cipher", "bits", "server_version", "database", "role"),
    "hba": hba.COLUMNS,
    "roles": (
        "name", "superuser", "createrole", "createdb", "replication", "bypassrls", "login",
        "valid_until", "connection_limit", "predefined", "expires",
    ),
    "memberships": ("role", "member", "admin_option", "powerful"),
    "auditing": meaning.AUDITING_COLUMNS,
    "ciphers": meaning.CIPHER_COLUMNS,
    "certificates": certificate.COLUMNS,
    "attestations": attested.COLUMNS,
    **access.COLUMNS,
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
                "version": version or "",
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


def _roles(rows: _Rows) -> list[dict[str, Any]]:
    columns = _COLUMNS["roles"][:-2]
    return [
        {
            **dict(zip(columns, row, strict=True)),
            "predefined": str(row[0]).startswith("pg_"),
            "expires": row[7] not in (None, "infinity"),
        }
        for row in rows
    ]


def _memberships(rows: _Rows, roles: _Rows) -> list[dict[str, Any]]:
    """Every membership, and besides them who has a powerful role's rights through others."""
    edges = {(role, member): admin for role, member, admin, *_ in rows}
    graph = Memberships(rows)
    powerful = {
        (role, member)
        for role in {*_POWERFUL, *(row[0] for row in roles if row[1] or row[5])}
        for member in graph.members_of(role)
    }
    return [
        {
            "role": role,
            "member": member,
            "admin_option": edges.get((role, member), False),
            "powerful": (role, member) in powerful,
        }
        for role, member in sorted({*edges, *powerful})
        if not str(member).startswith("pg_")
    ]


def _refusal(name: str, reason: str) -> str:
    hint = ""
    if name == "hba":
        hint = (
            "; GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() and SELECT ON "
            "pg_catalog.pg_hba_file_rules to the account"
        )
    return f"{name}: {reason}{hint}"
