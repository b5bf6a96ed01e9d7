"""Whom Google's IAM bindings and default access lists let into a bucket. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compline.scanners.stores.object_stores.facts import Row

_READING = re.compile(
    r"^roles/(viewer|browser|storage\.(objectViewer|bucketViewer|legacyBucketReader"
    r"|legacyObjectReader|insightsCollectorService|objectRetentionViewer))$"
)
_ONLY_WRITING = re.compile(r"^roles/storage\.(objectCreator|legacyBucketWriter)$")
_PUBLIC = {
    "allUsers": ("public", "everyone"),
    "allAuthenticatedUsers": ("authenticated", "everyone with an account of the provider"),
}
_OF_PROJECT = re.compile(r"^project(?:Owner|Editor|Viewer):(.+)$")
_ACCOUNT = re.compile(r"^serviceAccount:([^@]+)@([^@]+)$")
_AGENT = re.compile(r"^service-(\d+)$")


def grants_of(
    bucket: Mapping[str, Any], iam: Mapping[str, Any], project: str, *, blocked: bool
) -> Iterator[Row]:
    """Everyone besides the project's own accounts who is let in, as rows of the frame `access`.

    Args:
        bucket: its resource, with its project's number and default access list.
        iam: its policy.
        project: id of the own project.
        blocked: whether public access is prevented, so that public grants count for nothing.
    """
    number = str(bucket.get("projectNumber", ""))
    for binding in iam.get("bindings", ()):
        role = str(binding["role"])
        condition = str((binding.get("condition") or {}).get("title", ""))
        for member in sorted(binding.get("members", ())):
            for access in _accesses(role):
                row = _row(str(member), project, number, access, f"role {role}", blocked)
                if row["reach"] != "own":
                    yield {**row, "condition": condition}
    uniform = bucket.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    if uniform.get("enabled"):
        return
    for entry in bucket.get("defaultObjectAcl", ()):
        if entry["entity"] in _PUBLIC:
            via = "the default access list of new objects"
            yield _row(str(entry["entity"]), project, number, "read", via, blocked)


def _accesses(role: str) -> tuple[str, ...]:
    if _READING.match(role):
        return ("read",)
    # What a role of one's own allows is not told here, so it counts as both.
    return ("write",) if _ONLY_WRITING.match(role) else ("read", "write")


def _row(
    member: str, project: str, number: str, access: str, via: str, blocked: bool
) -> dict[str, Any]:
    reach, name = _PUBLIC.get(member) or (_reach(member, project, number), member)
    return {
        "grantee": name,
        "reach": reach,
        "access": access,
        "via": via,
        "condition": "",
        "effective": not (blocked and member in _PUBLIC),
        "names": (member, member.partition(":")[2]),
    }


def _reach(member: str, project: str, number: str) -> str:
    if member.startswith("deleted:"):
        return "own"  # it lets in nobody
    of_project = _OF_PROJECT.match(member)
    if of_project is not None:
        return "own" if of_project[1] in (project, number) else "account"
    account = _ACCOUNT.match(member)
    if account is None:
        return "account"
    name, domain = account[1], account[2]
    agent = _AGENT.match(name)
    if agent is not None:
        return "own" if agent[1] == number else "service"
    own = (
        domain == f"{project}.iam.gserviceaccount.com"
        or (name == project and domain == "appspot.gserviceaccount.com")
        or (name == f"{number}-compute" and domain == "developer.gserviceaccount.com")
    )
    return "own" if own else "account"
