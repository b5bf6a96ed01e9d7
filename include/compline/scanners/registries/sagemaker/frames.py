"""SageMaker's answers as frames and facts. Pure.

Frames: `groups` (group, arn); `grants` (group, principal, account, world, own, may, changes), one
per principal of a group's resource policy; `packages` (group, package, version, status,
approved_by); `artifacts` (bucket, encrypted).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compline.model import Fact, Gap, RegressionKind
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.services import escaped

_ACCOUNT = re.compile(r"(?:^|:)(\d{12})(?:$|:)")
_CHANGES = ("create", "update", "delete", "put", "add", "*")


def inventory_of(answers: Mapping[str, Any], own: str) -> Inventory:
    """The inventory; `own` is the account that the registry belongs to, empty where undeclared.

    Raises:
        CannotCollect: an answer is of another shape.
    """
    try:
        groups = [
            {"group": group["ModelPackageGroupName"], "arn": group["ModelPackageGroupArn"]}
            for group in answers["groups"]
        ]
        owners = {row["group"]: _account(row["arn"]) for row in groups}
        grants = [
            row
            for group, policy in answers["policies"].items()
            if policy
            for row in _grants(group, policy, own or owners.get(group, ""))
        ]
        packages = [_package(one) for one in answers["packages"]]
        artifacts = [
            {"bucket": bucket, "encrypted": encrypted}
            for bucket, encrypted in answers["encryption"].items()
            if encrypted is not None
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotCollect("an answer of SageMaker's cannot be read") from None
    gaps: tuple[Gap, ...] = tuple(answers.get("gaps") or ())
    return Inventory(
        {
            "groups": frame_of(("group", "arn"), groups),
            "grants": frame_of(
                ("group", "principal", "account", "world", "own", "may", "changes"), grants
            ),
            "packages": frame_of(
                ("group", "package", "version", "status", "approved_by"), packages
            ),
            "artifacts": frame_of(("bucket", "encrypted"), artifacts),
        },
        gaps=gaps,
        facts=tuple(_facts(grants, packages)),
    )


def buckets(packages: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The buckets in which the packages' artifacts lie, sorted."""
    found = set()
    for package in packages:
        for container in (package.get("InferenceSpecification") or {}).get("Containers") or ():
            url = str(container.get("ModelDataUrl") or "")
            if url.startswith("s3://"):
                found.add(url.removeprefix("s3://").partition("/")[0])
    return tuple(sorted(found))


def _package(one: Mapping[str, Any]) -> dict[str, Any]:
    group = str(one.get("ModelPackageGroupName") or "")
    by = one.get("LastModifiedBy") or {}
    return {
        "group": group,
        "package": f"{group}/{one['ModelPackageVersion']}",
        "version": one["ModelPackageVersion"],
        "status": str(one.get("ModelApprovalStatus") or ""),
        "approved_by": str(by.get("UserProfileName") or by.get("IamIdentity") or ""),
    }


def _grants(group: str, policy: str, own: str) -> Iterator[dict[str, Any]]:
    found: dict[str, set[str]] = {}
    for statement in _many(json.loads(policy)["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        principal = statement.get("Principal", "*")
        named = principal if isinstance(principal, str) else principal.get("AWS", ())
        actions = {str(action) for action in _many(statement.get("Action", "*"))}
        for who in _many(named):
            found.setdefault(str(who), set()).update(actions)
    for who, actions in sorted(found.items()):
        account = _account(who)
        bare = {action.lower().removeprefix("sagemaker:") for action in actions}
        yield {
            "group": group,
            "principal": who,
            "account": account,
            "world": who == "*",
            "own": bool(own) and account == own,
            "may": ", ".join(sorted(actions)),
            "changes": any(action.startswith(_CHANGES) for action in bare),
        }


def _facts(grants: Iterable[Mapping[str, Any]], packages: Iterable[Mapping[str, Any]]) -> Any:
    for row in grants:
        yield Fact(
            RegressionKind.PERMISSION_WIDENED,
            escaped(f"grant/{row['group']}/{row['principal']}"),
            escaped(row["may"])[:200],
            len(row["may"].split(", ")) + (100 if row["changes"] else 0),
            escaped(f"{row['principal']} on the group {row['group']}")[:160],
        )
    for row in packages:
        yield Fact(
            RegressionKind.MODEL_CHANGED,
            escaped(f"package/{row['package']}"),
            escaped(row["status"]),
            title=escaped(f"the approval of {row['package']}")[:160],
        )


def _account(arn: str) -> str:
    found = _ACCOUNT.search(arn)
    return found[1] if found else ""


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
