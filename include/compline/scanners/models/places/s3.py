"""A bucket of S3 or a compatible store: listed with its ETags, read as streams, never written.

Without a credential of the target boto3 finds one where the AWS tools do (profiles, roles), and the
endpoint too (AWS_ENDPOINT_URL_S3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable
from compline.scanners.models.places.cloud import CloudFolder

PAGE = 1000
"""Objects in one answer; the most that S3 gives."""
_CREDENTIAL = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class Bucket(CloudFolder):
    """The objects below one prefix. Needs s3:ListBucket and s3:GetObject.

    A credential is ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN].
    """

    scheme = "s3"

    def _pages(self, inside: str) -> Iterator[list[Artifact]]:
        arguments: dict[str, Any] = {
            "Bucket": self._name,
            "Prefix": f"{self._prefix}{inside}",
            "MaxKeys": PAGE,
        }
        while True:
            page = self._client.list_objects_v2(**arguments)
            yield [self._artifact(each) for each in page.get("Contents") or ()]
            if not page.get("IsTruncated"):
                return
            if not page.get("NextContinuationToken"):
                raise CannotList("the listing broke off halfway")
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    def _artifact(self, told: Any) -> Artifact:
        said = (told["Size"], told["ETag"].strip('"'), told["LastModified"].isoformat())
        path = str(told["Key"]).removeprefix(self._prefix)
        return Artifact(path, int(told["Size"]), validator="-".join(map(str, said)))

    def _stream(self, artifact: Artifact) -> Readable:
        answer = self._client.get_object(Bucket=self._name, Key=f"{self._prefix}{artifact.where}")
        if answer["ETag"].strip('"') not in artifact.validator:
            raise Unreadable(GapReason.TRUNCATED, "it was changed while it was looked at")
        return cast(Readable, answer["Body"])  # fewer bytes than announced raise

    def _connected(self) -> Any:
        import boto3
        from botocore.config import Config

        given: list[str] = []
        if self._credential is not None:
            given = self._credential.split(":", 2)
            if len(given) < 2 or not all(given):
                raise CannotList(
                    "the credential must be ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
                )
        bounds = Config(
            connect_timeout=min(self._seconds, 20),
            read_timeout=min(self._seconds, 60),
            retries={"max_attempts": 3, "mode": "standard"},
        )
        return boto3.session.Session().client(
            "s3",
            config=bounds,
            endpoint_url=self._endpoint,
            **dict(zip(_CREDENTIAL, given, strict=False)),
        )

    def _code(self, error: Exception) -> str:
        answer = getattr(error, "response", None) or {}
        return str(answer.get("Error", {}).get("Code", ""))
