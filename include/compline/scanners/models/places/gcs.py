"""A bucket of Google Cloud Storage: listed with its generations, read as streams, never written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, cast

from compline.scanners.models.artifacts import Artifact, CannotList, Readable
from compline.scanners.models.places.cloud import CloudFolder

_READING = ("https://www.googleapis.com/auth/devstorage.read_only",)
_CHUNK = 8 << 20


class GoogleBucket(CloudFolder):
    """The objects below one prefix. Needs storage.objects.list and storage.objects.get.

    A credential is the JSON of a service account's key; `seconds` hold for each call with its
    retries.
    """

    scheme = "gs"

    def _pages(self, inside: str) -> Iterator[list[Artifact]]:
        fields = "items(name,size,generation,md5Hash,crc32c),nextPageToken"
        blobs = self._client.list_blobs(
            self._name,
            prefix=f"{self._prefix}{inside}" or None,
            fields=fields,
            timeout=self._seconds,
            retry=self._patience,
        )
        for page in blobs.pages:
            yield [self._artifact(blob) for blob in page]

    def _artifact(self, blob: Any) -> Artifact:
        # A generation is another number for each content that an object ever had.
        said = (blob.size, blob.generation, blob.md5_hash or blob.crc32c)
        path = str(blob.name).removeprefix(self._prefix)
        return Artifact(path, int(blob.size or 0), validator="-".join(map(str, said)))

    def _stream(self, artifact: Artifact) -> Readable:
        generation = int(artifact.validator.split("-")[1])
        bucket = self._client.bucket(self._name)
        blob = bucket.blob(f"{self._prefix}{artifact.where}", generation=generation)
        bounds = {"timeout": self._seconds, "retry": self._patience}
        return cast(Readable, blob.open("rb", chunk_size=_CHUNK, **bounds))

    @property
    def _patience(self) -> Any:
        from google.cloud.storage.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self._seconds)

    def _connected(self) -> Any:
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
            raise CannotList(text) from None
        except (ValueError, AttributeError):
            # Not repeated: what does not parse may hold half a private key.
            text = "the credential must be the JSON of a service account's key"
            raise CannotList(text) from None
        # Else the library asks for the bucket itself, which our right does not cover.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        options = {"api_endpoint": self._endpoint} if self._endpoint else None
        return storage.Client(project="-", credentials=known, client_options=cast(Any, options))

    def _code(self, error: Exception) -> str:
        # Where it tried until its time was over, the last refusal says why.
        code = getattr(getattr(error, "cause", None) or error, "code", None)
        return str(code) if isinstance(code, int) else ""
