"""A container of Azure Blob Storage: listed with its ETags, read as streams, never written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable

_MOST_FILES = 200_000


class AzureContainer:
    """The blobs below one prefix. Needs Storage Blob Data Reader, or a SAS that reads and lists."""

    def __init__(
        self, url: str, seconds: float, endpoint: str | None = None, credential: str | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            url: `abfs://container/prefix`.
            seconds: for each wait.
            endpoint: `https://ACCOUNT.blob.core.windows.net`; needed without a credential.
            credential: a connection string; None: the machine's own identity.
        """
        parts = urlsplit(url)
        self._name = parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._seconds, self._endpoint, self._credential = seconds, endpoint, credential
        self._made: Any = None

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every blob below the prefix.

        Raises:
            CannotList: refused, too slow, too many, or none at all.
        """
        found = []
        for blob in self._listed():
            path = str(blob.name).removeprefix(self._prefix)
            # Folders of accounts with a hierarchical namespace are blobs of their own.
            folder = (blob.metadata or {}).get("hdi_isfolder") == "true"
            if path and not path.endswith("/") and not folder:
                found.append(Artifact(path, int(blob.size or 0), validator=_validator(blob)))
            if len(found) > _MOST_FILES:
                raise CannotList(f"abfs://{self._name} holds more than {_MOST_FILES} files")
        if not found:
            raise CannotList(f"abfs://{self._name}/{self._prefix} holds nothing")
        return found, []

    def open(self, artifact: Artifact) -> Readable:
        """The blob as a stream, if it is still the one that was listed."""
        try:
            blob = self._client.get_blob_client(self._name, f"{self._prefix}{artifact.where}")
            stream = blob.download_blob(max_concurrency=1)
        except CannotList as error:
            raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
        except Exception as error:  # of the library, of its transport, of its credentials
            raise Unreadable(GapReason.FORBIDDEN, self._trouble("read", error)) from None
        if _validator(stream.properties) != artifact.validator:
            raise Unreadable(GapReason.TRUNCATED, "it was changed while it was looked at")
        return cast(Readable, stream)  # its later parts are asked for by that ETag

    def close(self) -> None:
        """Lets go of connections."""
        if self._made is not None:
            self._made.close()

    def _listed(self) -> Iterator[Any]:
        try:
            container = self._client.get_container_client(self._name)
            yield from container.list_blobs(
                name_starts_with=self._prefix or None, include=["metadata"]
            )
        except CannotList:
            raise
        except Exception as error:  # see above
            raise CannotList(self._trouble("listed", error)) from None

    @property
    def _client(self) -> Any:
        if self._made is None:
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
                    self._made = BlobServiceClient.from_connection_string(
                        self._credential, **bounds
                    )
                except (ValueError, KeyError):
                    text = "the credential is not a connection string of Azure Storage"
                    raise CannotList(text) from None
            elif self._endpoint is not None:
                known = DefaultAzureCredential(exclude_interactive_browser_credential=True)
                self._made = BlobServiceClient(self._endpoint, credential=known, **bounds)
            else:
                text = "give the account as `endpoint`, or a connection string as `credential`"
                raise CannotList(f"abfs://{self._name}: {text}")
        return self._made

    def _trouble(self, what: str, error: Exception) -> str:
        status = getattr(error, "status_code", None)
        shown = str(status) if isinstance(status, int) else type(error).__name__
        return (
            f"abfs://{self._name} cannot be {what} ({shown}): see the rights in "
            "docs/checks/models.md"
        )


def _validator(blob: Any) -> str:
    """Size and ETag; Azure gives another one for each change of a blob."""
    return f"{blob.size}-{str(blob.etag).strip(chr(34))}"
