"""A bucket of S3 or a compatible store: listed with its ETags, read as streams, never written.

Without a credential of the target boto3 finds one where the AWS tools do (profiles, roles), and the
endpoint too (AWS_ENDPOINT_URL_S3).
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable

_MOST_FILES = 200_000
PAGE = 1000
"""Objects in one answer; the most that S3 gives."""


class Bucket:
    """The objects below one prefix. Needs s3:ListBucket and s3:GetObject. Safe to use from several
    threads at once."""

    far: ClassVar[bool] = True

    def __init__(
        self, url: str, seconds: float, endpoint: str | None = None, credential: str | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            url: `s3://bucket/prefix`.
            seconds: for each call.
            endpoint: URL of a store that is not AWS.
            credential: ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN].

        Raises:
            CannotList: the credential is not of that form.
        """
        self._access: dict[str, str] = {}
        if credential is not None:
            given = credential.split(":", 2)
            if len(given) < 2 or not all(given):
                raise CannotList(
                    "the credential must be ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
                )
            names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
            self._access = dict(zip(names, given, strict=False))
        self._endpoint = endpoint
        parts = urlsplit(url)
        self._bucket = parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._seconds = seconds
        self._made: Any = None
        self._lock = Lock()

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every object below the prefix.

        Raises:
            CannotList: refused, too slow, too many, or none at all.
        """
        found = [each for page in self.pages() for each in page]
        if not found:
            raise CannotList(f"s3://{self._bucket}/{self._prefix} holds nothing")
        return found, []

    def pages(self, inside: str = "") -> Iterator[list[Artifact]]:
        """The objects below the prefix and a folder in it (`fraud/1/`), a page at a time; paths
        are within the prefix.

        Raises:
            CannotList: refused, too slow, or too many.
        """
        number = 0
        arguments: dict[str, Any] = {
            "Bucket": self._bucket,
            "Prefix": f"{self._prefix}{inside}",
            "MaxKeys": PAGE,
        }
        while True:
            try:
                page = self._client.list_objects_v2(**arguments)
            except Exception as error:  # botocore makes its classes at run time
                raise CannotList(self._trouble("listed", error)) from None
            found = []
            for each in page.get("Contents") or ():
                path = str(each["Key"]).removeprefix(self._prefix)
                if path and not path.endswith("/"):
                    said = (each["Size"], each["ETag"].strip('"'), each["LastModified"].isoformat())
                    found.append(
                        Artifact(path, int(each["Size"]), validator="-".join(map(str, said)))
                    )
            number += len(found)
            if number > _MOST_FILES:
                raise CannotList(f"s3://{self._bucket} holds more than {_MOST_FILES} files")
            yield found
            if not page.get("IsTruncated"):
                return
            if not page.get("NextContinuationToken"):
                raise CannotList(f"s3://{self._bucket}: the listing broke off halfway")
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    def open(self, artifact: Artifact) -> Readable:
        """The object as a stream, if it is still the one that was listed."""
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=f"{self._prefix}{artifact.where}"
            )
        except Exception as error:  # see above
            raise Unreadable(GapReason.FORBIDDEN, self._trouble("read", error)) from None
        if answer["ETag"].strip('"') not in artifact.validator:
            raise Unreadable(GapReason.TRUNCATED, "it was changed while it was looked at")
        return cast(Readable, answer["Body"])  # fewer bytes than announced raise

    def close(self) -> None:
        """Lets go of connections."""
        if self._made is not None:
            self._made.close()

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._connected()
            return self._made

    def _connected(self) -> Any:
        import boto3
        from botocore.config import Config

        bounds = Config(
            connect_timeout=min(self._seconds, 20),
            read_timeout=self._seconds,
            retries={"max_attempts": 3, "mode": "standard"},
        )
        try:
            return boto3.session.Session().client(
                "s3", config=bounds, endpoint_url=self._endpoint, **self._access
            )
        except Exception as error:  # a missing profile, a region that is none
            raise CannotList(self._trouble("opened", error)) from None

    def _trouble(self, what: str, error: Exception) -> str:
        answer = getattr(error, "response", None) or {}
        code = str(answer.get("Error", {}).get("Code", "")) or type(error).__name__
        shown = code if code.replace("_", "").isalnum() else "?"
        return (
            f"s3://{self._bucket} cannot be {what} ({shown}): see the rights in "
            "docs/checks/models.md"
        )
