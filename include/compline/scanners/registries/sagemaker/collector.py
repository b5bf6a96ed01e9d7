"""Asks SageMaker's Model Registry for groups, their policies, their packages and artifacts.

Rights: sagemaker:ListModelPackageGroups, GetModelPackageGroupPolicy, ListModelPackages,
DescribeModelPackage, and s3:GetEncryptionConfiguration on the artifacts' buckets. Nothing else is
called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from compline.model import Gap, GapReason, RegressionKind
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.registries.aws import Access
from compline.scanners.registries.facts import CannotAsk
from compline.scanners.registries.sagemaker import frames

PACKAGES = ("boto3", "botocore")

MOST_GROUPS = 1_000
"""Groups whose policies and packages are asked for, one by one."""
MOST_PACKAGES = 2_000
"""Packages that are described one by one."""


def variant(_asked: Asked) -> str:
    """There is but one reader."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Everything, within the check's seconds.

    Which version is approved is what production serves: model-guard tells it where that looks too,
    held against the gate, and two scanners would be two alerts for one approval.
    """
    inventory = frames.inventory_of(_Answers(asked).all(), _own_account(asked))
    if not asked.config.scanners.model_guard.enabled:
        return inventory
    approvals = RegressionKind.MODEL_CHANGED
    kept = tuple(fact for fact in inventory.facts if fact.tells is not approvals)
    return replace(inventory, facts=kept)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return frames.inventory_of(answers, _own_account(asked))


def _own_account(asked: Asked) -> str:
    return str(asked.target.settings.get("account") or "")


class _Answers:
    def __init__(self, asked: Asked) -> None:
        self._end = time.monotonic() + asked.seconds
        self._seconds = asked.seconds
        self.gaps: list[Gap] = []
        access = Access(
            asked.secret("credential"),
            asked.seconds,
            asked.text("region"),
            str(asked.target.settings.get("endpoint") or ""),
        )
        try:
            self._sagemaker, self._s3 = access.client("sagemaker"), access.client("s3")
        except CannotAsk as error:
            raise CannotCollect(str(error)) from None

    def all(self) -> dict[str, Any]:
        """The answers as the parser wants them."""
        groups = self._pages("list_model_package_groups", "ModelPackageGroupSummaryList")
        if len(groups) > MOST_GROUPS:
            self._gap(GapReason.TRUNCATED, "group/", f"more than {MOST_GROUPS} groups")
            groups = groups[:MOST_GROUPS]
        policies: dict[str, str | None] = {}
        packages: list[dict[str, Any]] = []
        for group in groups:
            name = group["ModelPackageGroupName"]
            policies[name] = self._policy(name)
            packages += self._described(name, MOST_PACKAGES - len(packages))
        return {
            "groups": groups,
            "policies": policies,
            "packages": packages,
            "encryption": {bucket: self._encryption(bucket) for bucket in frames.buckets(packages)},
            "gaps": self.gaps,
        }

    def _policy(self, group: str) -> str | None:
        """JSON; empty where there is none, None where it is not shown."""
        call = self._sagemaker.get_model_package_group_policy
        found = self._told(
            lambda: call(ModelPackageGroupName=group), f"grant/{group}/", ("ValidationException",)
        )
        if not found:
            return None if found is None else ""
        if "ResourcePolicy" not in found:
            raise CannotCollect("an answer of SageMaker's cannot be read")
        return str(found["ResourcePolicy"])

    def _described(self, group: str, most: int) -> list[dict[str, Any]]:
        found = []
        listed = self._pages(
            "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group
        )
        if len(listed) > most:
            self._gap(GapReason.TRUNCATED, f"package/{group}/", f"over {MOST_PACKAGES} packages")
        for one in listed[: max(0, most)]:
            name = one["ModelPackageArn"]
            call = partial(self._sagemaker.describe_model_package, ModelPackageName=name)
            answer = self._told(call, f"package/{group}/", ())
            if answer is not None:
                found.append(answer)
        return found

    def _encryption(self, bucket: str) -> bool | None:
        """Whether it has a default encryption; None where that is not shown."""
        found = self._told(
            lambda: self._s3.get_bucket_encryption(Bucket=bucket),
            f"artifacts/{bucket}",
            ("ServerSideEncryptionConfigurationNotFoundError",),
        )
        return None if found is None else bool(found)

    def _pages(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        def pages() -> Iterator[dict[str, Any]]:
            for page in self._sagemaker.get_paginator(operation).paginate(**parameters):
                self._in_time()
                yield from page[key]

        found = self._told(lambda: list(pages()), "", ())
        if found is None:
            raise CannotCollect(f"{operation} is refused: the role needs the right to call it")
        listed: list[dict[str, Any]] = found
        return listed

    def _told(self, call: Callable[[], Any], place: str, absent: tuple[str, ...]) -> Any:
        """An answer; empty where there is nothing, None and a gap where it is refused."""
        from botocore.exceptions import BotoCoreError, ClientError

        self._in_time()
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))[:80]
            if code in absent:
                return {}
            if code in ("AccessDenied", "AccessDeniedException"):
                if place:
                    self._gap(GapReason.FORBIDDEN, place, f"{error.operation_name}: {code}")
                return None
            raise CannotCollect(f"{error.operation_name} answers {code}: try again later") from None
        except BotoCoreError as error:
            raise CannotCollect(f"SageMaker cannot be asked: {type(error).__name__}") from None
        except (KeyError, TypeError, ValueError):
            raise CannotCollect("an answer of SageMaker's cannot be read") from None

    def _in_time(self) -> None:
        if time.monotonic() > self._end:
            raise CannotCollect(f"SageMaker did not tell everything within {self._seconds:g} s")

    def _gap(self, reason: GapReason, place: str, detail: str) -> None:
        self.gaps.append(Gap(reason, place, detail))
