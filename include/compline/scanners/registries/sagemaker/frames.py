"""SageMaker's answers as frames and facts. Pure.

Frames: `groups` (group, arn); `grants` (group, principal, account, world, own, may, changes), one
per principal of a group's resource policy; `packages` (group, package, version, status,
approved_by); `artifacts` (bucket, encrypted).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Fact, Gap, RegressionKind
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.services import escaped
from compline.scanners.stores.s3.conditions import confined_by
from compline.scanners.stores.s3.identities import EVERYONE, Identity
from compline.scanners.stores.s3.policies import statements_of
from compline.scanners.stores.s3.principals import principals_of

_ACCOUNT = re.compile(r"(?:^|:)(\d{12})(?:$|:)")
_CHANGES = frozenset(
    {
        *("createmodelpackage", "updatemodelpackage", "deletemodelpackage", "addtags"),
        *("deletemodelpackagegroup", "putmodelpackagegrouppolicy", "deletetags"),
        *("deletemodelpackagegrouppolicy", "createmodelpackagegroup"),
    }
)
_READS = frozenset(
    {
        *("describemodelpackage", "describemodelpackagegroup", "listmodelpackages", "listtags"),
        *("getmodelpackagegrouppolicy", "batchdescribemodelpackage", "listmodelpackagegroups"),
    }
)
_CONFINED = ("public", "authenticated", "service")
"""Whom a condition makes somebody smaller."""


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
    found: dict[Identity, set[str]] = {}
    for statement in statements_of(json.loads(policy)):
        if statement["Effect"] != "Allow":
            continue
        # What is denied to them is not taken off: rather one too many than one too few.
        fence = confined_by(statement.get("Condition") or {}, own)
        for who in principals_of(statement, own, ""):
            reached = fence if fence and who.reach in _CONFINED else (who,)
            for one in reached:
                found.setdefault(one, set()).update(_actions(statement))
    for who, actions in sorted(found.items(), key=lambda each: each[0].name):
        yield {
            "group": group,
            "principal": "*" if who == EVERYONE else who.name,
            "account": who.names[-1] if who.names else "",
            "world": who == EVERYONE,
            "own": who.reach == "own",
            "may": ", ".join(sorted(actions)),
            "changes": bool(_meant(actions, _CHANGES)),
        }


def _actions(statement: Mapping[str, Any]) -> list[str]:
    """As the statement has them; all but some count as all."""
    return [str(action) for action in _many(statement.get("Action", "*"))]


def _meant(actions: Iterable[str], known: frozenset[str]) -> set[str]:
    """Those of the known ones that a policy's actions stand for."""
    patterns = [action.lower().removeprefix("sagemaker:") for action in actions]
    return {one for one in known if any(fnmatchcase(one, pattern) for pattern in patterns)}


def _facts(grants: Iterable[Mapping[str, Any]], packages: Iterable[Mapping[str, Any]]) -> Any:
    for row in grants:
        yield Fact(
            RegressionKind.PERMISSION_WIDENED,
            escaped(f"grant/{row['group']}/{row['principal']}"),
            escaped(row["may"])[:200],
            _rank(row["may"].split(", ")),
            escaped(f"{row['principal']} on the group {row['group']}")[:160],
        )
    for row in packages:
        yield Fact(
            RegressionKind.MODEL_CHANGED,
            escaped(f"package/{row['package']}"),
            escaped(row["status"]),
            title=escaped(f"the approval of {row['package']}")[:160],
        )


def _rank(actions: Collection[str]) -> int:
    """How much they let somebody do; to change something is more than to read everything."""
    return len(actions) + len(_meant(actions, _READS)) + 100 * len(_meant(actions, _CHANGES))


def _account(arn: str) -> str:
    found = _ACCOUNT.search(arn)
    return found[1] if found else ""


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
