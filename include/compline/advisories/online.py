"""The public OSV API as a source of advisories, asked per package and version.

The API is described at https://google.github.io/osv.dev/post-v1-query/. pip-audit could ask it by
itself; through us it needs no network of its own, answers that come in several pages are put
together (pip-audit reads the first only), and the records stay at hand for their severity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from packaging.version import Version
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from compline.advisories.errors import AdvisoryError
from compline.advisories.ranges import parts_for
from compline.advisories.records import Record

ENDPOINT = "https://api.osv.dev/v1/query"
_MOST_PAGES = 50
_MOST_BYTES = 64 << 20


class _TryAgain(Exception):
    """A passing fault of the service or of the way there."""


class OsvOnline:
    """Asks the live service; safe to use from several threads at once."""

    def __init__(self, endpoint: str = ENDPOINT, seconds: float = 20.0, attempts: int = 4) -> None:
        """Nothing is asked yet.

        Args:
            endpoint: the query address.
            seconds: how long one request may take.
            attempts: how often a request is made at most before it counts as failed.
        """
        self._endpoint = endpoint
        self._client = httpx.Client(timeout=seconds)
        self._attempts = attempts

    def affecting(self, name: str, version: Version) -> list[Record]:
        """The records that hold for a version of a PyPI package, withdrawn ones left out.

        Raises:
            AdvisoryError: the service gave no answer that can be used.
        """
        query = {"package": {"name": name, "ecosystem": "PyPI"}, "version": str(version)}
        records: list[Record] = []
        for _ in range(_MOST_PAGES):
            answer = self._ask(query)
            records += answer.get("vulns") or ()
            token = answer.get("next_page_token")
            if not token:
                return [
                    record
                    for record in records
                    if not record.get("withdrawn") and any(parts_for(record, name))
                ]
            query = {**query, "page_token": token}
        raise AdvisoryError(f"the OSV service gave more than {_MOST_PAGES} pages for {name}")

    def known_vulnerable(self) -> tuple[str, str]:
        """A release with advisories that will not go away (CVE-2020-1747, CVE-2020-14343)."""
        return "pyyaml", "5.3"

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _ask(self, query: Mapping[str, Any]) -> dict[str, Any]:
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=0.5, max=8),
            reraise=True,
        )
        try:
            return retrying(self._ask_once, query)
        except (_TryAgain, httpx.HTTPError, ValueError) as error:
            raise AdvisoryError(
                f"the OSV service at {httpx.URL(self._endpoint).host} cannot be asked "
                f"({error or type(error).__name__}): allow it through the firewall or proxy, or "
                "set `advisories.osv` to offline records"
            ) from error

    def _ask_once(self, query: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.post(self._endpoint, json=query)
        except httpx.TransportError as error:
            raise _TryAgain(str(error) or type(error).__name__) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _TryAgain(f"status {answer.status_code}")
        answer.raise_for_status()
        if len(answer.content) > _MOST_BYTES:
            raise ValueError(f"an answer of {len(answer.content)} bytes")
        value = answer.json()
        if not isinstance(value, dict):
            raise ValueError("the answer is no JSON object")  # noqa: TRY004 - it is bad input
        return value
