"""Bounded GETs to one Airflow: calls, bytes and time are limited, redirects are not followed.

The one other call is `POST /auth/token`, which exchanges a user and password for a token.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line

MOST_CALLS = 4_000
"""Requests per look: lists come by 100, sources of DAGs and logs one by one."""
MOST_BYTES = 32 << 20
"""Of one answer, unpacked."""
PAGE = 100
"""What Airflow gives at most, by its default `[api] maximum_page_limit`."""
MOST_ENTRIES = 50_000
"""Of one list."""
_TRIES = 3


class TooLarge(CannotCollect):
    """An answer of more than `MOST_BYTES`."""


class Refused(Exception):
    """403: the account may not see it; the message names the path."""


@dataclass(frozen=True)
class Answer:
    """One whole answer that is neither an error of the server's nor a redirect."""

    status: int
    body: bytes
    kind: str
    """Its media type: a path that Airflow does not know answers 200 with a page."""

    def json(self, path: str) -> Any:
        """The body as JSON.

        Raises:
            CannotCollect: it is not, or it broke off.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise CannotCollect(
                f"{path}: the answer is not JSON, or broke off; is this an Airflow 3?"
            ) from None


class Rest:
    """One Airflow, asked as one account."""

    def __init__(self, client: httpx.Client, base: httpx.URL, deadline: float) -> None:
        self._client = client
        self._base = base
        self._deadline = deadline
        self._token = ""
        self._last = 0
        self.calls = 0
        """Requests so far."""

    @property
    def address(self) -> httpx.URL:
        """Where it is."""
        return self._base

    @property
    def left(self) -> float:
        """Seconds that there are left for all calls together."""
        return self._deadline - time.monotonic()

    def log_in(self, credential: str) -> None:
        """Takes a token, or exchanges user:password for one.

        Raises:
            CannotCollect: it is not accepted.
        """
        user, colon, password = credential.partition(":")
        if not colon:
            self._token = credential
            return
        login = {"username": user, "password": password}
        answer = self._send("POST", "auth/token", body=login, anonymous=True)
        if answer.status not in (200, 201):
            raise CannotCollect(
                f"auth/token answers {answer.status}: Airflow does not accept the configured "
                "credential, or its authentication manager gives no tokens for passwords"
            )
        token = answer.json("auth/token").get("access_token")
        if not isinstance(token, str) or not token:
            raise CannotCollect("auth/token gives no access_token")
        self._token = token

    def get(
        self, path: str, parameters: Mapping[str, str] | None = None, *, anonymous: bool = False
    ) -> Answer:
        """The answer to one call; `anonymous` sends no credential.

        Raises:
            CannotCollect: no connection, too slow, a redirect, 429 or 5xx that stays, too many
                bytes; 401 for the credential.
        """
        answer = self._send("GET", path, parameters=parameters, anonymous=anonymous)
        if answer.status == 401 and not anonymous:
            raise CannotCollect(f"{path}: Airflow does not accept the configured credential")
        return answer

    def read(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What a path answers, as JSON.

        Raises:
            CannotCollect: as for `get`, or there is no such path.
            Refused: the account may not see it.
        """
        answer = self.get(path, parameters)
        if answer.status == 403:
            raise Refused(f"{path} answers 403: the account may not see it")
        if answer.status != 200:
            raise CannotCollect(f"{path} answers {answer.status}; is this an Airflow 3?")
        return answer.json(path)

    def pages(self, path: str, key: str, order: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, ordered so that pages stay parted.

        Raises:
            CannotCollect: as for `read`, or the list ended before its end.
            Refused: the account may not see it.
        """
        seen = 0
        while True:
            asked = {"limit": str(PAGE), "offset": str(seen)}
            if order:
                asked["order_by"] = order
            answer = self.read(path, asked)
            try:
                entries, total = answer[key], int(answer["total_entries"])
                yield from entries
            except (KeyError, TypeError, ValueError):
                raise CannotCollect(f"{path}: the answer has no {key}") from None
            seen += len(entries)
            if seen >= total:
                return
            if not entries or seen >= MOST_ENTRIES:
                raise CannotCollect(f"{path} gave {seen} of {total} entries and then no more")

    def _send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
        anonymous: bool,
    ) -> Answer:
        for attempt in range(_TRIES):
            answer, wait = self._once(method, path, parameters, body, anonymous=anonymous)
            if answer is not None:
                return answer
            if attempt + 1 < _TRIES and 0 <= wait < self.left:
                time.sleep(wait)
            else:
                break
        raise CannotCollect(f"{path} answers {self._last}: try again later")

    def _once(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None,
        body: Mapping[str, str] | None,
        *,
        anonymous: bool,
    ) -> tuple[Answer | None, float]:
        """The answer, or after how many seconds to ask again."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise CannotCollect(f"more than {MOST_CALLS} calls would be needed")
        headers = {} if anonymous or not self._token else {"Authorization": f"Bearer {self._token}"}
        try:
            with self._client.stream(
                method,
                self._base.join(path),
                params=parameters,
                json=body,
                headers=headers,
                timeout=max(0.1, self.left),
            ) as response:
                status = response.status_code
                if status == 429 or status >= 500:
                    self._last = status
                    return None, _wait(response.headers.get("retry-after", ""))
                if 300 <= status < 400:
                    raise CannotCollect(
                        f"{path} redirects, which is not followed: configure the address that "
                        "answers itself"
                    )
                content = self._content(path, response)
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                return Answer(status, content, kind), 0
        except httpx.TimeoutException:
            raise CannotCollect(f"{path}: Airflow was too slow") from None
        except httpx.ConnectError as error:
            raise CannotCollect(
                f"no connection to {self._base.host} ({one_line(str(error))}): check that Airflow "
                "runs there, and that its certificate is trusted"
            ) from None
        except httpx.HTTPError as error:
            raise CannotCollect(f"{path}: {type(error).__name__}: {one_line(str(error))}") from None

    def _content(self, path: str, response: httpx.Response) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MOST_BYTES:
                raise TooLarge(f"{path}: an answer of more than {MOST_BYTES >> 20} MB")
            if self.left <= 0:
                raise CannotCollect(f"{path}: Airflow was too slow")
        return bytes(content)


@contextmanager
def reading(url: str, credential: str | None, seconds: float) -> Iterator[Rest]:
    """The Airflow at the URL, logged in if there is a credential.

    Raises:
        CannotCollect: no connection, or the credential is not accepted.
    """
    with httpx.Client(
        follow_redirects=False,
        headers={"Accept": "application/json", "User-Agent": "compline"},
    ) as client:
        rest = Rest(client, httpx.URL(f"{url.rstrip('/')}/"), time.monotonic() + seconds)
        if credential is not None:
            rest.log_in(credential)
        yield rest


def _wait(retry_after: str) -> float:
    """Seconds to wait before asking again; negative where it makes no sense."""
    if not retry_after:
        return 1.0
    return float(retry_after) if retry_after.isdigit() else -1.0
