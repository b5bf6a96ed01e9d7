"""Bounded calls to one endpoint, always at the address that was found first.

Calls, bytes and time are limited, redirects are not followed. Calls without the credential are
made whatever the certificate is, so that a bad one hides nothing else; the credential itself is
only sent where nobody can be listening in between.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from compline.scanners.http.addresses import Place
from compline.scanners.services import one_line

MOST_CALLS = 120
"""Requests per look, repeated ones and those of the rate limit included."""
MOST_BYTES = 2_000_000
"""Of one answer, unpacked."""
CALL_SECONDS = 10.0
_LONGEST_WAIT = 15.0
"""Seconds that a 429 may ask to wait."""

Identity = Literal["anonymous", "wrong", "right"]


class NoAnswer(Exception):
    """One call has no whole answer; the message says why, without secrets."""


class NotConnected(NoAnswer):
    """Nothing takes connections there."""


class CallsUsedUp(NoAnswer):
    """The bound on requests is reached."""


class NotSent(NoAnswer):
    """The credential was held back."""


@dataclass(frozen=True)
class Answer:
    """One whole answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in small letters; repeated ones joined by a comma."""
    body: str = ""


@dataclass(frozen=True)
class Credential:
    """A secret and how it is sent."""

    value: str = field(repr=False)
    send: str
    """`bearer`, `basic` or `header:NAME`."""

    def header(self) -> tuple[str, str]:
        """The header that carries it."""
        kind, _, name = self.send.partition(":")
        if kind == "basic":
            return "Authorization", "Basic " + base64.b64encode(self.value.encode()).decode()
        if kind == "header":
            return name, self.value
        return "Authorization", f"Bearer {self.value}"

    def wrong(self) -> Credential:
        """One of the same form that nobody has ever given out."""
        made = f"compline-check-{secrets.token_hex(16)}"
        return Credential(f"compline:{made}" if self.send == "basic" else made, self.send)


class Asker:
    """One endpoint and those who ask it."""

    def __init__(
        self,
        place: Place,
        credential: Credential | None,
        clients: Mapping[str, httpx.AsyncClient],
        deadline: float,
    ) -> None:
        self.place = place
        self._credentials = {
            "right": credential,
            "wrong": (credential or Credential("", "bearer")).wrong(),
            "anonymous": None,
        }
        self._clients = clients
        self._deadline = deadline
        self.calls = 0
        """Requests so far."""

    @property
    def has_credential(self) -> bool:
        """Whether calls can be made as somebody."""
        return self._credentials["right"] is not None

    async def call(
        self,
        method: str,
        path: str,
        *,
        identity: Identity = "anonymous",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        text: str | None = None,
        place: Place | None = None,
        patient: bool = True,
    ) -> Answer:
        """The answer to one request.

        Args:
            method: GET, HEAD, OPTIONS or POST.
            path: with a leading slash: on the host; else below the base of the endpoint.
            identity: whose.
            headers: further ones.
            body: sent as JSON.
            text: sent as it is, said to be JSON.
            place: another port of the same address.
            patient: whether a 429 is waited for and asked again, as long as it says.

        Raises:
            NotSent: the credential would have been sent where others may read it.
            CallsUsedUp: `MOST_CALLS` were made.
            NotConnected: nothing takes connections there.
            NoAnswer: half an answer, too slow, or 429 after all.
        """
        for last in (False, False, True):
            answer = await self._once(method, path, identity, headers, body, text, place)
            if answer.status != 429 or not patient:
                return answer
            wait = _seconds(answer.headers.get("retry-after", ""))
            if last or wait > min(_LONGEST_WAIT, self._deadline - time.monotonic() - CALL_SECONDS):
                break
            await asyncio.sleep(wait)
        raise NoAnswer("it answers 429 (too many requests)")

    async def _once(
        self,
        method: str,
        path: str,
        identity: Identity,
        headers: Mapping[str, str] | None,
        body: Any,
        text: str | None,
        place: Place | None,
    ) -> Answer:
        at = place or self.place
        sent = {"Host": at.authority, **(headers or {})}
        if credential := self._credentials[identity]:
            if identity == "right" and at.scheme == "http" and not at.inside:
                raise NotSent("the credential is not sent without TLS to a public address")
            name, value = credential.header()
            sent[name] = value
        if body is not None:
            text = json.dumps(body)
        if text is not None:
            sent.setdefault("Content-Type", "application/json")
        if self.calls >= MOST_CALLS:
            raise CallsUsedUp(f"the bound of {MOST_CALLS} requests is reached")
        self.calls += 1
        client = self._clients["trusting" if identity != "right" else "checking"]
        try:
            async with (
                # A connect that hangs must be told from an answer that does: it is given up first.
                asyncio.timeout(CALL_SECONDS),
                client.stream(
                    method,
                    f"{at.connected}{at.resolved(path)}",
                    headers=sent,
                    content=None if text is None else text.encode(),
                    extensions={"sni_hostname": at.host},
                ) as response,
            ):
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise NoAnswer(f"an answer of more than {MOST_BYTES} bytes")
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    content.decode("utf-8", "replace"),
                )
        except httpx.ConnectTimeout:
            what = (
                "no TLS handshake was ended" if at.scheme == "https" else "no connection was made"
            )
            raise NotConnected(f"{what} within {CALL_SECONDS / 2:g} seconds") from None
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswer(f"no whole answer within {CALL_SECONDS:g} seconds") from None
        except httpx.ConnectError as error:
            if identity == "right" and _is_about_certificates(error):
                raise NotSent(
                    "the credential is not sent, since the certificate cannot be verified"
                ) from None
            raise NotConnected(f"no connection ({one_line(str(error), 120)})") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # Their texts quote what was sent or received, which may hold a secret.
            raise NoAnswer(f"no whole answer ({type(error).__name__})") from None


@asynccontextmanager
async def asking(
    place: Place, credential: Credential | None, ca: Path | None, seconds: float
) -> AsyncIterator[Asker]:
    """The endpoint, for at most so many seconds.

    Raises:
        TimeoutError: they are over.
        OSError: the file of certificates cannot be read (`ssl.SSLError` where it is none).
    """
    checking = ssl.create_default_context()
    if ca is not None:
        checking.load_verify_locations(cafile=ca)
    timeouts = httpx.Timeout(CALL_SECONDS, connect=CALL_SECONDS / 2)
    limits = {"follow_redirects": False, "trust_env": False, "timeout": timeouts}
    agent = {"User-Agent": "compline", "Accept": "*/*"}
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(verify=checking, headers=agent, **limits) as careful,  # type: ignore[arg-type]
        httpx.AsyncClient(verify=_any_tls(), headers=agent, **limits) as careless,  # type: ignore[arg-type]
    ):
        deadline = time.monotonic() + seconds
        yield Asker(place, credential, {"checking": careful, "trusting": careless}, deadline)


def _any_tls() -> ssl.SSLContext:
    """Speaks to servers that are as bad as can be: never used with the credential."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _seconds(text: str) -> float:
    """Of a Retry-After; a date, or nothing, is one second: most mean the next one."""
    return float(text) if text.isdecimal() else 1.0
