"""Who may do what in a PostgreSQL server: grants, labelled tables, accounts of pipelines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from compline.scanners.stores.postgresql.members import Memberships

Rows = Iterable[tuple[Any, ...]]

COLUMNS: Mapping[str, Sequence[str]] = {
    "schema_grants": ("schema", "grantee", "to_public", "access", "privileges", "undeclared"),
    "tables": (
        "table", "kind", "owner", "row_security", "classification", "labelled",
        "row_security_wanted",
    ),
    "table_grants": (
        "table", "grantee", "to_public", "access", "privileges", "undeclared", "classification",
        "labelled", "reader",
    ),
    "reached": ("role", "member", "classification", "tables", "example", "reader"),
    "labels": ("pattern", "classification", "tables"),
    "accounts": ("account", "resource", "access", "privileges", "beyond", "through"),
}  # fmt: skip

_READING = frozenset({"SELECT", "USAGE"})
_SECURABLE = frozenset({"r", "p"})
"""Kinds of relation that can have row security: tables and partitioned ones."""
_POWERS = ("superuser", "createrole", "createdb", "replication", "bypassrls")

Grants = Mapping[str, Mapping[str, Sequence[str]]]


class Labels:
    """Patterns of tables with the sort of data in them; the first that fits counts."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = patterns

    def of(self, table: str) -> str:
        """The table's classification, empty if it has none."""
        return next((c for p, c in self._patterns.items() if fnmatchcase(table, p)), "")

    def rows(self, tables: Iterable[str]) -> list[dict[str, Any]]:
        """A row per pattern with the number of tables that it fits."""
        names = list(tables)
        return [
            {
                "pattern": pattern,
                "classification": classification,
                "tables": sum(fnmatchcase(name, pattern) for name in names),
            }
            for pattern, classification in self._patterns.items()
        ]


def table_rows(rows: Rows, labels: Labels, secured: Sequence[str]) -> list[dict[str, Any]]:
    """Every table and view with its label; `secured` are classifications that need row security."""
    result = []
    for schema, name, kind, owner, row_security in rows:
        table = f"{schema}.{name}"
        classification = labels.of(table)
        result.append(
            {
                "table": table,
                "kind": kind,
                "owner": owner,
                "row_security": row_security,
                "classification": classification,
                "labelled": bool(classification),
                "row_security_wanted": classification in secured and kind in _SECURABLE,
            }
        )
    return result


def schema_grants(rows: Rows, grants: Grants) -> list[dict[str, Any]]:
    """Grants on schemas, grouped, with the privileges beyond the policy."""
    return [
        {"schema": row.pop("resource"), **row}
        for row in _grouped(_schemas(rows), grants, "schema:")
    ]


def table_grants(
    rows: Rows, grants: Grants, labels: Labels, readers: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Grants on tables likewise; `readers` are the roles that may reach each classification."""
    result = []
    for row in _grouped(_tables(rows), grants, ""):
        table = row.pop("resource")
        classification = labels.of(table)
        allowed = readers.get(classification, ())
        result.append(
            {
                "table": table,
                **row,
                "classification": classification,
                "labelled": bool(classification),
                "reader": any(fnmatchcase(row["grantee"], pattern) for pattern in allowed),
            }
        )
    return result


def reached(
    answers: Mapping[str, Rows], labels: Labels, readers: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """Who may log in and reaches labelled tables as a member of a role that holds or owns them.

    One row per role, member and classification, so that their number does not grow with that of
    the tables. Superusers are told elsewhere: they reach everything.

    Args:
        answers: the server's, about roles, memberships, tables and grants on tables.
        labels: which tables hold what.
        readers: the roles that may reach each classification.
    """
    logins = {row[0] for row in answers["roles"] if row[6] and not row[1]}
    superusers = {row[0] for row in answers["roles"] if row[1]}
    held: dict[tuple[str, str], set[str]] = {}
    for role, table in _holders(answers):
        if classification := labels.of(table):
            held.setdefault((role, classification), set()).add(table)
    memberships = Memberships(answers["memberships"])
    for (role, classification), tables in sorted(held.items()):
        if role in superusers:
            continue
        first = min(tables)
        for member in sorted(memberships.members_of(role) & logins):
            # What the member holds itself is judged there.
            own = held.get((member, classification))
            left = tables - own if own else tables
            if left:
                yield {
                    "role": role,
                    "member": member,
                    "classification": classification,
                    "tables": len(left),
                    "example": min(left) if own else first,
                    "reader": any(fnmatchcase(member, p) for p in readers.get(classification, ())),
                }


def _holders(answers: Mapping[str, Rows]) -> Iterator[tuple[str, str]]:
    for schema, name, _kind, owner, _secured in answers["tables"]:
        yield owner, f"{schema}.{name}"
    for schema, name, grantee, to_public, *_ in answers["table_grants"]:
        if not to_public:
            yield grantee, f"{schema}.{name}"


def account_rows(
    answers: Mapping[str, Rows],
    names: Sequence[str],
    grants: Grants,
    powers: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """What each of the accounts may really do, beside what the policy says that it needs.

    Counted is what it holds itself and through every role whose privileges it can have; what
    PUBLIC holds is told of PUBLIC.
    """
    memberships = Memberships(answers["memberships"])
    roles = {row[0]: row for row in answers["roles"]}
    held: dict[str, list[tuple[str, str, str]]] = {}
    for prefix, rows in (
        ("schema:", _schemas(answers["schema_grants"])),
        ("", _tables(answers["table_grants"])),
    ):
        for resource, grantee, _public, privilege, _grantable in rows:
            held.setdefault(grantee, []).append((prefix, resource, privilege))
    owners = {owner for _schema, _name, _kind, owner, _secured in answers["tables"]}
    result = []
    for account in names:
        if account not in roles:
            result.append(_account(account, "role", "missing", set(), set(), ""))
            continue
        found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for role in sorted(memberships.held_by(account)):
            for prefix, resource, privilege in held.get(role, ()):
                key = (prefix + resource, "read" if privilege in _READING else "write")
                privileges, through = found.setdefault(key, (set(), set()))
                privileges.add(privilege)
                through.add(role)
            if has := _powers(role, roles, owners):
                privileges, through = found.setdefault(("role", "power"), (set(), set()))
                privileges.update(has)
                through.add(role)
        declared, may = grants.get(account, {}), set(powers.get(account, ()))
        for (resource, access), (privileges, through) in sorted(found.items()):
            beyond = privileges - (may if access == "power" else _declared(declared, resource))
            text = " ".join(sorted(through - {account}))
            result.append(_account(account, resource, access, privileges, beyond, text))
    return result


def _account(
    account: str, resource: str, access: str, privileges: set[str], beyond: set[str], through: str
) -> dict[str, Any]:
    return {
        "account": account,
        "resource": resource,
        "access": access,
        "privileges": " ".join(sorted(privileges)),
        "beyond": " ".join(sorted(beyond)),
        "through": through,
    }


def _powers(role: str, roles: Mapping[str, tuple[Any, ...]], owners: set[str]) -> set[str]:
    """Attributes, ownership and predefined roles: what no grant on a table shows."""
    found = {name for name, has in zip(_POWERS, roles.get(role, ())[1:], strict=False) if has}
    if role.startswith("pg_"):
        found.add(role)
    if role in owners:
        found.add("owner")
    return found


def _schemas(rows: Rows) -> Rows:
    return ((schema, *rest) for schema, *rest in rows)


def _tables(rows: Rows) -> Rows:
    return ((f"{schema}.{name}", *rest) for schema, name, *rest in rows)


def _grouped(rows: Rows, grants: Grants, prefix: str) -> list[dict[str, Any]]:
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
