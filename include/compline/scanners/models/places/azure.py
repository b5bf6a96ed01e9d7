"""A container of Azure Blob Storage: listed with its ETags, read as streams, never written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable
from compline.scanners.models.places.cloud import CloudFolder


class AzureContainer(CloudFolder):
    """The blobs below one prefix. Needs Storage Blob Data Reader, or a SAS that reads and lists.

    The endpoint is `https://ACCOUNT.blob.core.windows.net`, needed without a credential; a
    credential is a connection string.
    """

    scheme = "abfs"

    def _pages(self, inside: str) -> Iterator[list[Artifact]]:
        container = self._client.get_container_client(self._name)
        begins = f"{self._prefix}{inside}" or None
        blobs = container.list_blobs(name_starts_with=begins, include=["metadata"])
        for page in blobs.by_page():
            # Folders of accounts with a hierarchical namespace are blobs of their own.
            yield [
                Artifact(
                    str(blob.name).removeprefix(self._prefix),
                    int(blob.size or 0),
                    validator=_validator(blob),
                )
                for blob in page
                if (blob.metadata or {}).get("hdi_isfolder") != "true"
            ]

    def _stream(self, artifact: Artifact) -> Readable:
        blob = self._client.get_blob_client(self._name, f"{self._prefix}{artifact.where}")
        stream = blob.download_blob(max_concurrency=1)
        if _validator(stream.properties) != artifact.validator:
            raise Unreadable(GapReason.TRUNCATED, "it was changed while it was looked at")
        return cast(Readable, stream)  # its later parts are asked for by that ETag

    def _connected(self) -> Any:
        from azure.identity import DefaultAzureCredential
        from azure.storage.blob import BlobServiceClient, ExponentialRetry

        bounds: dict[str, Any] = {
            # Its own way would wait for more than a minute, whatever the time is.
            "retry_policy": ExponentialRetry(1, 1, retry_total=2, random_jitter_range=1),
            "connection_timeout": min(self._seconds, 20),
            "read_timeout": min(self._seconds, 60),
        }
        if self._credential is not None:
            try:
                return BlobServiceClient.from_connection_string(self._credential, **bounds)
            except (ValueError, KeyError):
                text = "the credential is not a connection string of Azure Storage"
                raise CannotList(text) from None
        if self._endpoint is None:
            text = "give the account as `endpoint`, or a connection string as `credential`"
            raise CannotList(text)
        known = DefaultAzureCredential(exclude_interactive_browser_credential=True)
        return BlobServiceClient(self._endpoint, credential=known, **bounds)

    def _code(self, error: Exception) -> str:
        return str(getattr(error, "status_code", None) or "")


def _validator(blob: Any) -> str:
    """Size and ETag; Azure gives another one for each change of a blob."""
    return f"{blob.size}-{str(blob.etag).strip(chr(34))}"
