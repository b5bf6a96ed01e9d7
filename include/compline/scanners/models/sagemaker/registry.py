"""SageMaker's Model Registry as a place of models: groups, their versions, and files in S3.

Nothing is asked of SageMaker but ListModelPackageGroups, ListModelPackages and
DescribeModelPackage. A bucket is asked only if the configuration lists it: a registry must not
lead our credentials anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import (
    Artifact,
    CannotList,
    Listing,
    Model,
    Readable,
    Unreadable,
    Version,
)
from compline.scanners.models.names import one_part
from compline.scanners.models.places.ahead import AT_ONCE, closed, read_ahead
from compline.scanners.models.places.buckets import Buckets
from compline.scanners.models.places.pace import Clock, not_listed
from compline.scanners.models.places.s3 import Bucket
from compline.scanners.models.sagemaker.packages import origin_of, parts_of
from compline.scanners.models.sagemaker.version_files import VersionFiles

MOST = 50_000
"""Groups, or versions of one group; a place that holds more is not listed."""
PAGE = 100
"""Groups or versions in one answer; the most that SageMaker gives."""
APPROVED = "Approved"
_DEFAULT = "production"
"""The default of `models.production`: here it means what is approved."""


@dataclass(frozen=True)
class _Found:
    """A version as the listing tells of it."""

    group: str
    name: str
    arn: str
    marks: tuple[str, ...]
    """Its approval status, and its stage where it has one."""

    @property
    def place(self) -> str:
        return f"{one_part(self.group)}/{self.name}/"


class SageMakerRegistry:
    """One look at the registry of one account and region."""

    def __init__(
        self,
        client: Any,
        seconds: float,
        production: str,
        buckets: Sequence[str],
        bucket: Callable[[str], Bucket],
        about: tuple[str, str] | None = None,
    ) -> None:
        """Asks nothing yet.

        Args:
            client: boto3's for SageMaker; used from several threads.
            seconds: in which versions are listed.
            production: approval status or stage that production serves.
            buckets: `s3://` URLs that the registry may lead to.
            bucket: makes the place behind one.
            about: model and version, as places name them, that the gate asks about.
        """
        self._client, self._seconds, self._about = client, seconds, about
        self._production = APPROVED if production == _DEFAULT else production
        self._buckets = Buckets(buckets, bucket)

    def listing(self) -> Listing:
        """As `Source` says. What production serves is asked for first, then the newest versions;
        what does not fit into the time is a gap."""
        whole, half = Clock(self._seconds), Clock(self._seconds / 2)
        deadline = time.monotonic() + self._seconds
        groups = self._pages(
            whole,
            "list_model_package_groups",
            lambda page: [str(one["ModelPackageGroupName"]) for one in page],
            "ModelPackageGroupSummaryList",
        )
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="versions")
        try:
            listed = list(pool.map(partial(self._versions, whole), groups))
            marks = {
                group: {mark: each.name for each in versions for mark in each.marks}
                for group, versions in zip(groups, listed, strict=True)
            }
            newest = {each.arn for versions in listed for each in versions[-1:]}

            def order(each: _Found) -> tuple[bool, bool]:
                served = marks[each.group].get(self._production) == each.name
                asked = (one_part(each.group), each.name) == self._about
                return not (served or asked), each.arn not in newest

            found = sorted((each for versions in listed for each in versions), key=order)
            # Half of the time at most to learn where files lie, so that those can be listed.
            until = deadline - self._seconds / 2
            told = list(pool.map(partial(self._described, half, until), found))
            files = VersionFiles(self._buckets, deadline, not_listed(self._seconds))
            parts = [() if isinstance(one, Gap) else parts_of(one) for one in told]
            files.expect([part for several in parts for part in several])
            answers = list(pool.map(files.of, [each.place for each in found], told, parts))
        finally:
            pool.shutdown(cancel_futures=True)
        origins = {
            each.arn: origin_of(one)
            for each, one in zip(found, told, strict=True)
            if not isinstance(one, Gap)
        }
        models = tuple(
            Model(
                one_part(group),
                tuple(Version(each.name, origins.get(each.arn, {})) for each in versions),
                marks[group],
                marks[group].get(self._production),
            )
            for group, versions in sorted(zip(groups, listed, strict=True))
        )
        return Listing(
            tuple(each for artifacts, _ in answers for each in artifacts),
            tuple(each for _, gaps in answers for each in gaps),
            models,
        )

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        return read_ahead(wanted, self._open)

    def _open(self, artifact: Artifact) -> AbstractContextManager[Readable]:
        return closed(self._buckets.open(artifact))

    def close(self) -> None:
        """As `Source` says."""
        self._client.close()
        self._buckets.close()

    def _versions(self, clock: Clock, group: str) -> list[_Found]:
        """Of one group, oldest first."""

        def found(page: Sequence[Mapping[str, Any]]) -> list[_Found]:
            return [
                _Found(
                    group,
                    str(int(one["ModelPackageVersion"])),
                    str(one["ModelPackageArn"]),
                    tuple(
                        str(mark)
                        for mark in (
                            one.get("ModelApprovalStatus"),
                            (one.get("ModelLifeCycle") or {}).get("Stage"),
                        )
                        if mark
                    ),
                )
                for one in page
            ]

        versions: list[_Found] = self._pages(
            clock,
            "list_model_packages",
            found,
            "ModelPackageSummaryList",
            ModelPackageGroupName=group,
        )
        return sorted(versions, key=lambda each: int(each.name))

    def _pages(
        self,
        clock: Clock,
        operation: str,
        parsed: Callable[[Sequence[Mapping[str, Any]]], list[Any]],
        key: str,
        **parameters: Any,
    ) -> list[Any]:
        """Everything that a listing tells. Raises `CannotList`."""
        paginator = self._client.get_paginator(operation)
        pages = iter(paginator.paginate(PaginationConfig={"PageSize": PAGE}, **parameters))
        found: list[Any] = []
        while True:
            try:
                page = clock.ask(lambda: next(pages, None))
                if page is None:
                    return found
                found += parsed(page[key])
            except CannotList as error:
                raise CannotList(f"SageMaker cannot be listed: {error}") from None
            except (KeyError, TypeError, ValueError):
                raise CannotList(f"SageMaker: {operation} gives an answer that is none") from None
            except Exception as error:  # of the library, of its transport
                raise CannotList(
                    f"SageMaker: {operation} answers {_code(error)}: see the rights in "
                    "docs/checks/registries.md"
                ) from None
            if len(found) > MOST:
                raise CannotList(f"SageMaker: {operation} tells of more than {MOST}")

    def _described(self, clock: Clock, until: float, each: _Found) -> dict[str, Any] | Gap:
        if time.monotonic() > until:
            return Gap(GapReason.TRUNCATED, each.place, not_listed(self._seconds))
        call = partial(self._client.describe_model_package, ModelPackageName=each.arn)
        try:
            told: dict[str, Any] = clock.ask(call)
        except CannotList as error:
            return Gap(GapReason.TRUNCATED, each.place, str(error))
        except Exception as error:  # see above
            text = f"DescribeModelPackage answers {_code(error)}"
            return Gap(GapReason.FORBIDDEN, each.place, text)
        if told.get("ModelPackageArn") != each.arn:
            return Gap(GapReason.UNPARSED, each.place, "DescribeModelPackage tells of another one")
        return told


def _code(error: Exception) -> str:
    """What AWS answered with, or the kind of error: never its text."""
    answer = getattr(error, "response", None) or {}
    code = str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
    return code[:80] if code.isalnum() else type(error).__name__
