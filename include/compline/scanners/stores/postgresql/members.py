"""Who comes in through other roles: memberships of a PostgreSQL server, followed. Pure.

Since version 16 a membership says what it is good for (https://www.postgresql.org/docs/16/
role-membership.html): INHERIT gives the role's privileges at once, SET lets the member become the
role, ADMIN lets it give both to itself. One without any of the three gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any


class Memberships:
    """The memberships of a server as a graph."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Reads (role, member, admin option, inherit option, set option)."""
        self._becomes: dict[str, set[str]] = {}
        self._inherits: dict[str, set[str]] = {}
        for role, member, admin, inherits, becomes in rows:
            if becomes or admin:
                self._becomes.setdefault(member, set()).add(role)
            if inherits:
                self._inherits.setdefault(member, set()).add(role)
        self._become_it = _turned(self._becomes)
        self._inherit_it = _turned(self._inherits)

    def held_by(self, role: str) -> set[str]:
        """The role and all those whose privileges it has, or can have by becoming another."""
        return _closure(_closure({role}, self._becomes), self._inherits)

    def members_of(self, role: str) -> set[str]:
        """All others that have the role's privileges, by whatever way."""
        return _closure(_closure({role}, self._inherit_it), self._become_it) - {role}


def _turned(edges: Mapping[str, Set[str]]) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for one, others in edges.items():
        for other in others:
            result.setdefault(other, set()).add(one)
    return result


def _closure(start: Set[str], edges: Mapping[str, Set[str]]) -> set[str]:
    """`start` and all that is to be had from there; circles do no harm."""
    seen, queue = set(start), list(start)
    while queue:
        new = edges.get(queue.pop(), set()) - seen
        seen |= new
        queue += new
    return seen
