"""A bucket of Google Cloud Storage: listed with its generations, read as streams, never written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable

_MOST_FILES = 200_000
_READING = ("https://www.googleapis.com/auth/devstorage.read_only",)
_CHUNK = 8 << 20


class GoogleBucket:
    """The objects below one prefix. Needs storage.objects.list and storage.objects.get."""

    def __init__(
        self, url: str, seconds: float, endpoint: str | None = None, credential: str | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            url: `gs://bucket/prefix`.
            seconds: for each call, with its retries.
            endpoint: URL of a store that is not Google's.
            credential: JSON of a service account's key; None: the machine's own identity.
        """
        parts = urlsplit(url)
        self._name = parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._seconds, self._endpoint, self._credential = seconds, endpoint, credential
        self._made: Any = None

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every object below the prefix.

        Raises:
            CannotList: refused, too slow, too many, or none at all.
        """
        found = []
        for blob in self._listed():
            path = str(blob.name).removeprefix(self._prefix)
            if path and not path.endswith("/"):
                # A generation is another number for each content that an object ever had.
                said = (blob.size, blob.generation, blob.md5_hash or blob.crc32c)
                validator = "-".join(map(str, said))
                found.append(Artifact(path, int(blob.size or 0), validator=validator))
            if len(found) > _MOST_FILES:
                raise CannotList(f"gs://{self._name} holds more than {_MOST_FILES} files")
        if not found:
            raise CannotList(f"gs://{self._name}/{self._prefix} holds nothing")
        return found, []

    def open(self, artifact: Artifact) -> Readable:
        """The object as a stream, of the generation that was listed."""
        generation = artifact.validator.split("-")[1]
        try:
            blob = self._client.bucket(self._name).blob(
                f"{self._prefix}{artifact.where}", generation=int(generation)
            )
            bounds = {"timeout": self._seconds, "retry": self._patience}
            stream = blob.open("rb", chunk_size=_CHUNK, **bounds)
        except CannotList as error:
            raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
        except Exception as error:  # of the library, of its transport, of its credentials
            raise Unreadable(GapReason.FORBIDDEN, self._trouble("read", error)) from None
        return cast(Readable, stream)

    def close(self) -> None:
        """Lets go of connections."""
        if self._made is not None:
            self._made.close()

    def _listed(self) -> Iterator[Any]:
        fields = "items(name,size,generation,md5Hash,crc32c),nextPageToken"
        try:
            yield from self._client.list_blobs(
                self._name,
                prefix=self._prefix or None,
                fields=fields,
                timeout=self._seconds,
                retry=self._patience,
            )
        except CannotList:
            raise
        except Exception as error:  # see above
            raise CannotList(self._trouble("listed", error)) from None

    @property
    def _patience(self) -> Any:
        from google.cloud.storage.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self._seconds)

    @property
    def _client(self) -> Any:
        if self._made is None:
            from google.auth import default, exceptions
            from google.cloud import storage
            from google.oauth2 import service_account

            try:
                if self._credential is None:
                    known = default(scopes=_READING)[0]
                else:
                    known = service_account.Credentials.from_service_account_info(
                        json.loads(self._credential), scopes=_READING
                    )
            except exceptions.DefaultCredentialsError:
                text = "this machine has no Google identity of its own: name a `credential`"
                raise CannotList(f"gs://{self._name}: {text}") from None
            except (ValueError, AttributeError):
                # Not repeated: what does not parse may hold half a private key.
                text = "the credential must be the JSON of a service account's key"
                raise CannotList(text) from None
            # Else the library asks for the bucket itself, which our right does not cover.
            os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
            options = {"api_endpoint": self._endpoint} if self._endpoint else None
            self._made = storage.Client(
                project="-", credentials=known, client_options=cast(Any, options)
            )
        return self._made

    def _trouble(self, what: str, error: Exception) -> str:
        # Where it tried until its time was over, the last refusal says why.
        code = getattr(getattr(error, "cause", None) or error, "code", None)
        shown = str(code) if isinstance(code, int) else type(error).__name__
        return (
            f"gs://{self._name} cannot be {what} ({shown}): see the rights in docs/checks/models.md"
        )
