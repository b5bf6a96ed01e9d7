"""Asks a PostgreSQL server, read-only and within a time limit, for what its inventory is made of.

What the account needs is the script of docs/checks/postgresql.md, which the tests run as it stands.
All that it does not grant is readable by every role. What an account without these grants does not
see (authentication rules, the least TLS version) is a gap. Tables and schemas are those of the
database in the URL: list one target per database.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString

import psycopg

from compline.scanners.stores.postgresql.connection import Connection, connected, told
from compline.scanners.stores.tls import POSTGRESQL, Handshake, shake_hands

ROW_LIMIT = 200_000
"""Most rows of one answer; more is a gap."""

SETTINGS = (
    "log_connections",
    "log_min_duration_statement",
    "log_statement",
    "password_encryption",
    "session_preload_libraries",
    "shared_preload_libraries",
    "ssl",
    "ssl_ciphers",
    "ssl_min_protocol_version",
)
"""Those of the first query that every server has; `ssl_tls13_ciphers` is there since version 18,
`pgaudit.log` where the extension is loaded."""

QUERIES: Mapping[str, LiteralString] = {
    "settings": """
        SELECT name, setting, source FROM pg_catalog.pg_settings
        WHERE name IN ('log_connections', 'log_min_duration_statement', 'log_statement',
                       'password_encryption', 'pgaudit.log', 'session_preload_libraries',
                       'shared_preload_libraries', 'ssl', 'ssl_ciphers',
                       'ssl_min_protocol_version', 'ssl_tls13_ciphers')
        ORDER BY name""",
    "connection": """
        SELECT coalesce(s.ssl, false) AS tls, s.version, s.cipher, s.bits,
               pg_catalog.inet_client_addr() IS NULL AS socket,  -- as the server sees it
               pg_catalog.current_setting('server_version_num')::int AS server_version,
               pg_catalog.current_database() AS database, current_user AS role
        FROM (SELECT 1) AS one
        LEFT JOIN pg_catalog.pg_stat_ssl AS s ON s.pid = pg_catalog.pg_backend_pid()""",
    "hba": """
        SELECT line_number, type, database, user_name, address, netmask, auth_method, options,
               error
        FROM pg_catalog.pg_hba_file_rules ORDER BY line_number""",
    "roles": """
        SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
               rolcanlogin, rolvaliduntil::text, rolconnlimit
        FROM pg_catalog.pg_roles ORDER BY rolname""",
    "memberships": """
        -- Both options are there since version 16; before, the member's own attribute decided.
        SELECT r.rolname AS role, m.rolname AS member, a.admin_option,
               coalesce((pg_catalog.to_jsonb(a) ->> 'inherit_option')::bool, m.rolinherit),
               coalesce((pg_catalog.to_jsonb(a) ->> 'set_option')::bool, true)
        FROM pg_catalog.pg_auth_members AS a
        JOIN pg_catalog.pg_roles AS r ON r.oid = a.roleid
        JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
        ORDER BY role, member""",
    "schema_grants": """
        SELECT n.nspname, coalesce(g.rolname, 'PUBLIC') AS grantee, a.grantee = 0 AS to_public,
               a.privilege_type, a.is_grantable
        FROM pg_catalog.pg_namespace AS n,
             LATERAL pg_catalog.aclexplode(n.nspacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND a.grantee <> n.nspowner
        ORDER BY 1, 2, 4""",
    "tables": """
        SELECT n.nspname, c.relname, c.relkind::text, o.rolname AS owner, c.relrowsecurity
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND nspname !~ '^pg_' AND nspname <> 'information_schema'
        ORDER BY 1, 2""",
    "table_grants": """
        SELECT n.nspname, c.relname, coalesce(g.rolname, 'PUBLIC') AS grantee,
               a.grantee = 0 AS to_public, a.privilege_type, a.is_grantable
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
             LATERAL pg_catalog.aclexplode(c.relacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND a.grantee <> c.relowner
        UNION  -- what is granted on single columns counts as granted on the table
        SELECT n.nspname, c.relname, coalesce(g.rolname, 'PUBLIC'), a.grantee = 0,
               a.privilege_type, a.is_grantable
        FROM pg_catalog.pg_attribute AS t
        JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
             LATERAL pg_catalog.aclexplode(t.attacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
        WHERE t.attacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND a.grantee <> c.relowner
        ORDER BY 1, 2, 3, 5""",
}
"""One statement per answer; an access list that is null holds nothing but the owner's rights."""


@dataclass(frozen=True)
class Answers:
    """What a server said, as it said it."""

    rows: Mapping[str, tuple[tuple[Any, ...], ...]]
    """By the name of the query; values in the order of its columns."""
    our_end: str
    """How our own end of the connection goes: `tls`, `socket` or `plain`."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Queries that the account may not ask, with the server's reason."""
    truncated: frozenset[str] = frozenset()
    """Queries whose answer was cut at `ROW_LIMIT`."""
    handshakes: tuple[Handshake, ...] = ()
    """What the server shows to whoever opens a connection; none where it is reached by a socket."""


def ask(url: str, seconds: float) -> Answers:
    """Connects and asks every query in one read-only transaction; then looks at the TLS handshake.

    Raises:
        CannotCollect: no connection, a time-out, an answer that broke off.
    """
    deadline = time.monotonic() + seconds
    with connected(url, seconds) as connection:
        answers = _ask_all(connection)
        host, port = connection.info.hostaddr or connection.info.host, connection.info.port
        name = connection.info.host
    if answers.our_end == "socket":
        return answers
    left = max(0.5, deadline - time.monotonic())
    return replace(answers, handshakes=(shake_hands(host, port, name, left, POSTGRESQL),))


def _ask_all(connection: Connection) -> Answers:
    rows: dict[str, tuple[tuple[Any, ...], ...]] = {}
    refused: dict[str, str] = {}
    truncated = set()
    with connection.transaction():
        for name, query in QUERIES.items():
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(query)
                    found = cursor.fetchmany(ROW_LIMIT + 1)
            except psycopg.errors.InsufficientPrivilege as error:
                refused[name] = told(error, ())
                continue
            if len(found) > ROW_LIMIT:
                truncated.add(name)
            rows[name] = tuple(found[:ROW_LIMIT])
    our_end = "socket" if connection.info.host.startswith("/") else "plain"
    if connection.pgconn.ssl_in_use:
        our_end = "tls"
    return Answers(rows, our_end, refused, frozenset(truncated))
