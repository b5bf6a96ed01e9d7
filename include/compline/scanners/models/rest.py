"""GETs of JSON and of files to one server: no redirects, bounded bytes and time, 429 waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from compline.model import GapReason
from compline.scanners.models.artifacts import CannotList, Unreadable
from compline.scanners.services import one_line

_MOST_BYTES = 64_000_000
"""Of one answer in JSON."""
_LONGEST_WAIT = 20.0
"""Seconds that one `Retry-After` is honoured."""


class Rest:
    """One server, asked as one account."""

    def __init__(self, url: str, credential: str | None, seconds: float) -> None:
        """`credential` is user:password; each wait for the server is at most `seconds` long."""
        self._base = httpx.URL(url if url.endswith("/") else f"{url}/")
        user, _, password = (credential or "").partition(":")
        if credential is not None and not (user and password):
            raise CannotList("the registry's credential must be of the form user:password")
        self._client = httpx.Client(
            timeout=seconds,
            follow_redirects=False,
            auth=httpx.BasicAuth(user, password) if credential else None,
            headers={"User-Agent": "compline"},
        )
        self._deadline = time.monotonic() + seconds
        self.calls = 0
        """Requests so far."""

    def json(self, path: str, parameters: Mapping[str, str], *, missing: bool = False) -> Any:
        """The answer's value; None for 404 where `missing` allows it.

        Raises:
            CannotList: no connection, a refusal, an error, an answer that is no JSON.
        """
        for last in (False, True):
            with self._open(path, parameters) as response:
                wait = _retry_after(response)
                if (
                    response.status_code == 429
                    and not last
                    and wait < self._deadline - time.monotonic()
                ):
                    time.sleep(wait)
                    continue
                if response.status_code == 404 and missing:
                    return None
                if response.status_code != 200:
                    raise CannotList(f"{path} answers {response.status_code}: {_hint(response)}")
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise CannotList(f"{path}: an answer of more than {_MOST_BYTES} bytes")
            try:
                value = httpx.Response(200, content=bytes(body)).json()
            except ValueError:
                raise CannotList(f"{path}: the answer is not JSON, or broke off") from None
            if not isinstance(value, dict):
                raise CannotList(f"{path}: the answer is not an object")
            return value
        raise CannotList(f"{path} answers 429: try again later")

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()

    @contextmanager
    def stream(self, path: str) -> Iterator[_Body]:
        """A file's content.

        Raises:
            Unreadable: it is not given out.
            CannotList: the server does not answer.
        """
        with self._open(path, {}) as response:
            if response.status_code != 200:
                raise Unreadable(GapReason.FORBIDDEN, f"the server answers {response.status_code}")
            yield _Body(response)

    @contextmanager
    def _open(self, path: str, parameters: Mapping[str, str]) -> Iterator[httpx.Response]:
        self.calls += 1
        try:
            with self._client.stream("GET", self._base.join(path), params=parameters) as response:
                yield response
        except httpx.TimeoutException:
            raise CannotList(f"{self._base.host} did not answer in time") from None
        except httpx.HTTPError as error:
            what = f"{type(error).__name__}: {one_line(str(error), 120)}"
            raise CannotList(f"no answer from {self._base.host} ({what})") from None


class _Body:
    """A response's bytes as a stream; one that ends early says so."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes(1 << 20)
        self._left = b""

    def read(self, size: int, /) -> bytes:
        """As `Readable` says."""
        while not self._left:
            try:
                self._left = next(self._chunks)
            except StopIteration:
                return b""
            except httpx.HTTPError as error:
                raise Unreadable(GapReason.TRUNCATED, type(error).__name__) from None
        part, self._left = self._left[:size], self._left[size:]
        return part


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isdecimal() and int(said) <= _LONGEST_WAIT else _LONGEST_WAIT


def _hint(response: httpx.Response) -> str:
    if response.status_code in (401, 403):
        return "see the rights in docs/checks/models.md"
    if 300 <= response.status_code < 400:
        return "redirects are not followed, configure the address that answers itself"
    return "try again later"
