"""Which of a store's open findings break a hop: by their CWE, and by what they are about. Pure.

A rule added to any store's suite counts without a word here. What a finding is about is read from
its resource, `SORT/...`, which the suites of each kind of store write in their own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from compline.store.standing import Defect

_TRANSIT = frozenset({"CWE-319", "CWE-326", "CWE-327", "CWE-297", "CWE-298", "CWE-523"})
_REST = frozenset({"CWE-311", "CWE-312"})
_ACCESS = frozenset(
    {
        "CWE-250", "CWE-276", "CWE-284", "CWE-287", "CWE-290", "CWE-306", "CWE-359", "CWE-732",
        "CWE-862",
    }
)  # fmt: skip
_MEANT = {"transit": _TRANSIT, "rest": _REST, "access": _ACCESS, "content": _REST | {"CWE-359"}}
_ANYBODY = frozenset({"CWE-290", "CWE-306", "CWE-862"})
"""Whoever comes in without a login reaches everything, whatever the finding's resource is."""
_ELSEWHERE = frozenset({"topics-made-by-anybody"})
"""About access, but not to data that is there."""

Hop = Mapping[str, Any]


def breaking(aspect: str, kind: str, hop: Hop, defects: Iterable[Defect]) -> list[Defect]:
    """The open findings of a store that break one aspect of a hop.

    Args:
        aspect: `transit`, `rest`, `access`, or `content` for those of what columns hold.
        kind: of the store.
        hop: as declared.
        defects: of the store; for `content` those of its columns.
    """
    found = [one for one in defects if bears_on(aspect, one.rule, one.cwe)]
    if aspect == "access":
        return [one for one in found if _lets_others_in(one, kind, hop)]
    if aspect == "content":
        return [one for one in found if _belies(one, kind, hop)]
    return [one for one in found if concerns(one.subject, hop)]


def bears_on(aspect: str, rule: str, cwe: Iterable[str]) -> bool:
    """Whether what a rule finds may break an aspect of a hop."""
    return bool(_MEANT[aspect] & set(cwe)) and not (aspect == "access" and rule in _ELSEWHERE)


def bucket_of(resource: str) -> str:
    """The bucket of a resource that may name a folder in it, or be written as an address."""
    return resource.partition("://")[2].partition("/")[0] or resource.partition("/")[0]


def concerns(place: str, hop: Hop) -> bool:
    """Whether a place in a store is all of it, or in the hop's own resource."""
    sort, _, rest = place.partition("/")
    about = _ABOUT.get(sort)
    return about is None or not hop["resource"] or about(rest, hop["resource"])


def _lets_others_in(defect: Defect, kind: str, hop: Hop) -> bool:
    cwe = set(defect.cwe)
    if cwe & _ANYBODY:
        return True
    sort, _, rest = defect.subject.partition("/")
    if sort in _WHOLE.get(kind, ()):
        return True
    if kind == "postgresql" and sort in ("role", "membership", "account"):
        # Superusers, BYPASSRLS, pg_read_all_data and its like reach every table.
        name, _, resource = rest.partition("/")
        everything = "CWE-250" in cwe and (sort != "account" or not resource)
        if sort == "membership" and rest.rpartition("/")[2] == hop["classification"]:
            return True  # of a role that holds tables of this classification
        return everything or name == hop["account"] or _table(resource, hop["resource"])
    if sort == "acl":
        return _acl(rest, hop)
    resource = hop["resource"]
    about = _ABOUT.get(sort, _begins)
    return bool(resource and about(rest, resource)) or bool(
        hop["account"] and hop["account"] in rest.split("/")
    )


_WHOLE: Mapping[str, frozenset[str]] = {
    "azure-blob": frozenset({"account"}),
    "kafka": frozenset({"setting"}),
    "redis": frozenset({"setting", "user"}),
}
"""By kind of store: whatever lets somebody in there lets them to all of it."""


def _belies(defect: Defect, kind: str, hop: Hop) -> bool:
    """Whether columns of the hop's resource hold something else than was declared."""
    sort, _, rest = defect.subject.partition("/")
    if sort != "column":
        return False
    if defect.rule == "personal-data" and hop["classification"] == "personal":
        return False
    # A file of data is one resource; its columns carry no table.
    return kind == "dataset" or not hop["resource"] or _begins(rest, hop["resource"])


def _begins(rest: str, resource: str) -> bool:
    return rest == resource or rest.startswith(f"{resource}/")


def _table(rest: str, resource: str) -> bool:
    return bool(resource) and _begins(rest, resource)


def _bucket(rest: str, resource: str) -> bool:
    return rest.partition("/")[0] == bucket_of(resource)


def _acl(rest: str, hop: Hop) -> bool:
    """`PRINCIPAL/TYPE:NAME/OPERATION`; a principal may be a certificate's name, with slashes."""
    who, _, _operation = rest.rpartition("/")
    principal, _, granted = who.rpartition("/")
    sort, _, name = granted.partition(":")
    if principal.partition(":")[2] == hop["account"] and hop["account"]:
        return True
    # Whoever may alter the cluster may give themselves the rest.
    return sort == "cluster" or (
        sort == "topic" and (not hop["resource"] or fnmatchcase(hop["resource"], name))
    )


_ABOUT: Mapping[str, Callable[[str, str], bool]] = {
    "table": _begins,
    "topic": _begins,
    "resource": _begins,
    "bucket": _bucket,
    "column": _begins,
    "acl": lambda rest, resource: True,
}
"""Sorts of resources that are a part of a store; every other is about all of it."""
