"""What is no answer of a service, told so that people know what to do."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from compline.scanners.http.answers import NoAnswer, PutOff, TooSlow
from compline.scanners.services import one_line
from compline.scanners.stores.object_stores.calls import retry_after

_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Bounds:
    """What one look may take of a service, and how people call the two."""

    service: str
    """`MLflow`, `Airflow 3`: for messages."""
    seconds: float
    """For all calls together, from when the service is opened."""
    option: str
    """Of the configuration, which sets the seconds."""
    calls: int
    """Requests, tries included."""
    most_bytes: int = 64_000_000
    """Of one whole answer, unpacked."""


@dataclass(frozen=True)
class Time:
    """When something must have ended."""

    seconds: float
    """That it had from its beginning."""
    end: float
    """Of the monotonic clock."""

    @property
    def left(self) -> float:
        """Seconds until the end; negative when it is over."""
        return self.end - time.monotonic()


def time_of(seconds: float) -> Time:
    """So many seconds from now."""
    return Time(seconds, time.monotonic() + seconds)


def acceptable(response: httpx.Response, path: str, service: str, *, known: bool) -> None:
    """Passes what the caller may judge by itself: 2xx, and 4xx but for these.

    Args:
        response: of which the headers are there.
        path: that was asked.
        service: as people call it.
        known: whether a credential was sent.

    Raises:
        NoAnswer: a redirect, a refused credential, an error of the server's.
        PutOff: it is busy.
    """
    status = response.status_code
    if 300 <= status < 400:
        raise NoAnswer(
            f"{path} answers {status} and redirects to "
            f"{_host_of(response.headers.get('location', ''))}, which is not followed: configure "
            "the address that answers itself",
            status,
        )
    if status == 401 and known:
        raise NoAnswer(
            f"{path} answers 401: {service} does not accept the configured credential", status
        )
    later = f"{path} answers {status}: try again later"
    if status in _BUSY:
        raise PutOff(later, status, retry_after(response.headers))
    if status >= 500:
        raise NoAnswer(later, status)


def explained(
    error: httpx.HTTPError, path: str, host: str, bounds: Bounds, within: Time
) -> NoAnswer:
    """What to raise for an exchange that broke off, or never began."""
    if isinstance(error, httpx.TimeoutException) or within.left <= 0:
        return too_slow(path, bounds, within)
    if isinstance(error, httpx.ConnectError):
        return NoAnswer(
            f"no connection to {host} ({one_line(str(error))}): check that {bounds.service} runs "
            "there, and that its certificate is trusted"
        )
    # The texts of others quote what was sent or received, which may hold a secret.
    return NoAnswer(f"{path}: {type(error).__name__}, the answer broke off or is none")


def too_slow(path: str, bounds: Bounds, within: Time) -> TooSlow:
    """What to raise when the time is over."""
    return TooSlow(
        f"{path}: {bounds.service} was too slow, it did not answer within {within.seconds:g} s "
        f"({bounds.option})"
    )


def _host_of(location: str) -> str:
    try:
        return one_line(httpx.URL(location).host, 100) or "another path"
    except httpx.InvalidURL:
        return "an address that is none"
