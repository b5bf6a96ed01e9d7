"""Bounded GETs to one service: calls, bytes and time are limited, redirects are not followed."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from compline.scanners.registries.facts import CannotAsk
from compline.scanners.services import one_line

MOST_CALLS = 100
"""Requests per look; with pages of 1,000 models it is enough for some 80,000."""
_TRIES = 3
"""Of one call that is put off by 429 or 503 with a Retry-After."""
MOST_BYTES = 64_000_000
"""Of one answer, unpacked."""


class CallsUsedUp(CannotAsk):
    """The bound on requests is reached; a search that breaks off so is a gap."""


@dataclass(frozen=True)
class Answer:
    """One whole answer that is neither an error of the server's nor a redirect."""

    status: int
    body: bytes
    following: str = ""
    """Address of the next page, where a Link header names one of the same service."""

    def json(self, path: str) -> Any:
        """The body as JSON.

        Raises:
            CannotAsk: it is not, or it broke off.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise CannotAsk(
                f"{path}: the answer is not JSON, or broke off; is this an MLflow server?"
            ) from None


class Bearer(httpx.Auth):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        """Keeps the token."""
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends it with the request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class ReadOnlyService:
    """A service that is only ever sent GET."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base: httpx.URL,
        auth: httpx.Auth | None,
        seconds: float,
    ) -> None:
        """Calls may begin now, and must have ended after so many seconds."""
        self._client = client
        self._base = base
        self._auth = auth
        self._end = asyncio.get_running_loop().time() + seconds
        self.calls = 0
        """Requests so far."""

    def _following(self, response: httpx.Response) -> str:
        address = str(response.links.get("next", {}).get("url", ""))
        if not address:
            return ""
        there = self._base.join(address)
        if (there.scheme, there.host, there.port) != (
            self._base.scheme,
            self._base.host,
            self._base.port,
        ):
            raise CannotAsk("the next page is said to be at another address")
        return str(there)

    def _left(self) -> float:
        """Seconds of the look's time."""
        return self._end - asyncio.get_running_loop().time()

    @property
    def has_credential(self) -> bool:
        """Whether calls can be made as somebody."""
        return self._auth is not None

    @property
    def https(self) -> bool:
        """Whether the service is reached over TLS."""
        return self._base.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether the address never leaves this machine."""
        host = self._base.host
        try:
            return ipaddress.ip_address(host.strip("[]")).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    async def get(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one call; `anonymous` sends no credential.

        Where the service says for how long it does not want to be asked, and that ends within the
        look's time, it is asked again then.

        Raises:
            CannotAsk: no connection, a redirect, 429, 5xx, a refused credential, too many bytes.
            CallsUsedUp: `MOST_CALLS` were made.
            TimeoutError: the service was too slow.
        """
        for _ in range(_TRIES):
            answer = await self._once(path, parameters, headers, anonymous=anonymous)
            if isinstance(answer, Answer):
                return answer
            await asyncio.sleep(answer)
        raise CannotAsk(f"{path} puts us off again and again: try again later")

    async def _once(
        self,
        path: str,
        parameters: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        *,
        anonymous: bool,
    ) -> Answer | float:
        """The answer, or for how many seconds to wait before the next try."""
        if self.calls >= MOST_CALLS:
            raise CallsUsedUp(f"{path}: more than {MOST_CALLS} calls were needed")
        self.calls += 1
        auth = None if anonymous else self._auth
        try:
            async with self._client.stream(
                "GET", self._base.join(path), params=parameters or None, auth=auth, headers=headers
            ) as response:
                wait = _put_off(response)
                if wait is not None and wait < self._left():
                    return wait
                _acceptable(response, path, anonymous=anonymous)
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise CannotAsk(f"{path}: an answer of more than {MOST_BYTES} bytes")
                return Answer(response.status_code, bytes(body), self._following(response))
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.ConnectError as error:
            raise CannotAsk(
                f"no connection to {self._base.host} ({one_line(str(error))}): check that the "
                "registry runs there, and that its certificate is trusted"
            ) from None
        except httpx.HTTPError as error:
            raise CannotAsk(f"{path}: {type(error).__name__}: {one_line(str(error))}") from None


@asynccontextmanager
async def reading(
    url: str,
    credential: str | None,
    seconds: float,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    auth: httpx.Auth | None = None,
) -> AsyncIterator[ReadOnlyService]:
    """The service at the URL; `credential` is user:password, `auth` another way to log in.

    Raises:
        CannotAsk: the URL or the credential is not of the right form.
    """
    base = _base(url)
    if credential is not None:
        user, _, password = credential.partition(":")
        if not user or not password:
            raise CannotAsk("the registry's credential must be of the form user:password")
        auth = httpx.BasicAuth(user, password)
    async with httpx.AsyncClient(
        timeout=seconds,
        follow_redirects=False,
        transport=transport,
        headers={"Accept": "application/json", "User-Agent": "compline"},
    ) as client:
        yield ReadOnlyService(client, base, auth, seconds)


def _base(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url if url.endswith("/") else f"{url}/")
    except httpx.InvalidURL:
        raise CannotAsk("the registry's url is not a URL") from None
    if base.scheme not in ("http", "https") or not base.host or base.userinfo:
        raise CannotAsk("the registry's url must be http(s)://host[:port] without a credential")
    return base


def _put_off(response: httpx.Response) -> float | None:
    """Seconds of Retry-After; None where there is none in seconds."""
    text = response.headers.get("retry-after", "")
    if response.status_code not in (429, 503) or not text.isdecimal():
        return None
    return float(text)


def _acceptable(response: httpx.Response, path: str, *, anonymous: bool) -> None:
    status = response.status_code
    if 300 <= status < 400:
        raise CannotAsk(
            f"{path} redirects to {_host_of(response.headers.get('location', ''))}, which is not "
            "followed: configure the address that answers itself"
        )
    if status == 401 and not anonymous:
        raise CannotAsk(f"{path}: the registry does not accept the configured credential")
    if status == 429 or status >= 500:
        raise CannotAsk(f"{path} answers {status}: try again later")


def _host_of(location: str) -> str:
    try:
        return one_line(httpx.URL(location).host, 100) or "another path"
    except httpx.InvalidURL:
        return "an address that is none"
