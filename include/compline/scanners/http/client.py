"""Asks one service by GET only, within bounds on calls, bytes and time.

No redirect is followed but that of a file to hosts that its caller lists. Two calls are POST: one
exchanges a login for a token, and one puts a question that is too long for an address to one of
`SEARCHES`. A service that says it is busy is asked again when it says so, as long as that is within
the time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
)

from compline.scanners.expectations.deadline import Over, waited
from compline.scanners.http.answers import (
    Answer,
    Body,
    CallsUsedUp,
    NoAnswer,
    PutOff,
    TooLarge,
)
from compline.scanners.http.cutting import Cutter, Trace
from compline.scanners.http.redirects import MOST, FileHosts, Hop, origin
from compline.scanners.http.refusals import (
    Bounds,
    Time,
    acceptable,
    explained,
    time_of,
    too_slow,
)
from compline.source.address import is_loopback

TRIES = 3
"""Of one call to a service that is busy."""
FIRST_WAIT = 1.0
"""Seconds before the second try, where the service does not say; doubled before the third."""
SEARCHES = frozenset({"api/2.0/mlflow/runs/search"})
"""Paths that only read, but take their question as the body of a POST and in no other way."""
_CHUNK = 1 << 20
_GRACE = 0.5
"""Seconds beyond the time for a connection that is being cut."""


class Service:
    """One service, asked as one account; safe to use from several threads at once."""

    def __init__(
        self, client: httpx.Client, base: httpx.URL, bounds: Bounds, auth: httpx.Auth | None
    ) -> None:
        self._client = client
        self._bounds = bounds
        self._auth = auth
        self._time = time_of(bounds.seconds)
        self._cutter = Cutter()
        self._lock = threading.Lock()
        self.address = base
        """Where it is."""
        self.calls = 0
        """Requests so far."""

    @property
    def left(self) -> float:
        """Seconds that there are left for all calls together."""
        return self._time.left

    @property
    def has_credential(self) -> bool:
        """Whether calls are made as somebody."""
        return self._auth is not None

    @property
    def https(self) -> bool:
        """Whether the service is reached over TLS."""
        return self.address.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether the address never leaves this machine."""
        host = self.address.host
        return is_loopback(host) or host.endswith(".localhost")

    def log_in(self, auth: httpx.Auth) -> None:
        """Further calls are made as this account."""
        self._auth = auth

    def get(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The whole answer to one call; `anonymous` sends no credential.

        Raises:
            NoAnswer: no connection, half an answer, a redirect, an error of the server's, a busy
                service that stays so, a refused credential.
            TooSlow: the time is over.
            TooLarge: an answer beyond the bound.
            CallsUsedUp: all calls were made.
        """
        auth = None if anonymous else self._auth
        return self._asked("GET", path, auth, params=parameters or None, headers=headers)

    def search(self, path: str, question: Mapping[str, Any]) -> Answer:
        """The whole answer of one of `SEARCHES`; asked as by `get`, and again like it.

        Raises:
            ValueError: any other path, to which nothing is sent.
            NoAnswer: as for `get`.
        """
        if path not in SEARCHES:
            raise ValueError(f"{path} is not known to only read")
        return self._asked("POST", path, self._auth, json=question)

    def token(self, path: str, login: Mapping[str, str]) -> Answer:
        """What it answers to a login that is to be exchanged for a token, by POST.

        Raises:
            NoAnswer: as for `get`.
        """
        return self._asked("POST", path, None, json=login)

    @contextmanager
    def stream(self, path: str, seconds: float, hosts: FileHosts | None = None) -> Iterator[Body]:
        """A file's content, in a time of its own; redirects are followed to `hosts` alone.

        Files are read one after another: one that is too slow has its neighbours cut as well.

        Raises:
            NoAnswer: as for `get`, while it is read too; with its status for any but 200.
        """
        within = time_of(seconds)
        with self._answered("GET", path, within, self._auth, hosts) as response:
            if (status := response.status_code) != 200:
                host = response.request.extensions.get("sni_hostname", "")
                raise NoAnswer(f"{path}{host and f' at {host}'} answers {status}", status)
            yield Body(self._chunks(response, path, within, _CHUNK))

    def _asked(self, method: str, path: str, auth: httpx.Auth | None, **request: Any) -> Answer:
        most = self._bounds.most_bytes
        body = bytearray()
        with self._answered(method, path, self._time, auth, **request) as response:
            for chunk in self._chunks(response, path, self._time):
                body += chunk
                if len(body) > most:
                    raise TooLarge(f"{path}: an answer of more than {most} bytes")
        return Answer(
            path,
            response.status_code,
            bytes(body),
            response.headers.get("content-type", "").partition(";")[0].strip(),
            str(response.links.get("next", {}).get("url", "")),
            self._bounds.service,
        )

    def _chunks(
        self, response: httpx.Response, path: str, within: Time, size: int | None = None
    ) -> Iterator[bytes]:
        """The body; one that has no length seems to end where it was cut."""
        try:
            yield from response.iter_bytes(size)
        except httpx.HTTPError as error:
            raise explained(error, path, self.address.host, self._bounds, within) from None
        if within.left <= 0:
            raise too_slow(path, self._bounds, within)

    @contextmanager
    def _answered(
        self,
        method: str,
        path: str,
        within: Time,
        auth: httpx.Auth | None,
        hosts: FileHosts | None = None,
        **request: Any,
    ) -> Iterator[httpx.Response]:
        """A response that is worth reading."""
        try:
            url = self.address.join(path)
        except httpx.InvalidURL:
            raise NoAnswer("what is said to be the next page is no address") from None
        if origin(url) != origin(self.address):
            raise NoAnswer("the next page is said to be at another address, which is not asked")
        with self._cutter.at(within.end) as trace:
            hop = Hop(url)
            for _ in range(MOST + 1):
                patient = Retrying(
                    retry=retry_if_exception_type(PutOff),
                    stop=stop_after_attempt(TRIES) | stop_before_delay(within.left),
                    wait=_as_asked,
                    reraise=True,
                )
                known, follows = auth if hop.own else None, hosts is not None
                response = patient(
                    self._once, method, hop, path, within, known, trace, follows, **request
                )
                if hosts is None or not response.has_redirect_location:
                    break
                response.close()
                hop = hosts.hop(self.address, hop.url, response.headers["location"], within.left)
            else:
                raise NoAnswer(f"{path} redirects more than {MOST} times")
            try:
                yield response
            finally:
                response.close()

    def _once(
        self,
        method: str,
        hop: Hop,
        path: str,
        within: Time,
        auth: httpx.Auth | None,
        trace: Trace,
        follows: bool,
        **request: Any,
    ) -> httpx.Response:
        with self._lock:
            if self.calls >= self._bounds.calls:
                raise CallsUsedUp(f"{path}: more than {self._bounds.calls} calls were needed")
            self.calls += 1
        if within.left <= 0:
            raise too_slow(path, self._bounds, within)
        host = hop.url.host
        shown = path if hop.own else f"{path} at {host}"
        request |= {"timeout": within.left, "extensions": {"trace": trace, **hop.extensions}}
        try:
            built = self._client.build_request(method, hop.connected, **request)
            hop.prepare(built.headers)
            # Cutting needs a connection, and there is none while the system resolves the name.
            response = waited(
                within.left + _GRACE, lambda: self._client.send(built, stream=True, auth=auth)
            )
        except Over:
            raise too_slow(shown, self._bounds, within) from None
        except httpx.HTTPError as error:
            raise explained(error, shown, host, self._bounds, within) from None
        if follows and response.has_redirect_location:
            return response
        try:
            acceptable(response, shown, self._bounds.service, known=auth is not None)
        except NoAnswer:
            response.close()
            raise
        return response


@contextmanager
def reading(
    url: str,
    bounds: Bounds,
    auth: httpx.Auth | None = None,
    transport: httpx.BaseTransport | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """The service at the URL, whose time begins now; every call has the headers.

    Raises:
        NoAnswer: the URL is not of the right form.
    """
    try:
        base = httpx.URL(url if url.endswith("/") else f"{url}/")
    except httpx.InvalidURL:
        raise NoAnswer(f"the url of {bounds.service} is not a URL") from None
    if base.scheme not in ("http", "https") or not base.host or base.userinfo:
        raise NoAnswer(
            f"the url of {bounds.service} must be http(s)://host[:port] without a credential"
        )
    with httpx.Client(
        follow_redirects=False,
        transport=transport,
        headers={"Accept": "application/json", "User-Agent": "compline", **(headers or {})},
    ) as client:
        yield Service(client, base, bounds, auth)


def _as_asked(state: RetryCallState) -> float:
    """How long to wait before the next try."""
    error = state.outcome.exception() if state.outcome else None
    wait = error.wait if isinstance(error, PutOff) else None
    return FIRST_WAIT * 2 ** (state.attempt_number - 1) if wait is None else wait
