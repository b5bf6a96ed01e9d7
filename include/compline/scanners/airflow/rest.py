"""What is Airflow's own in being asked: its token, its refusals, its pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.http.answers import Answer, NoAnswer
from compline.scanners.http.client import Service
from compline.scanners.http.client import reading as reading_service
from compline.scanners.http.credentials import Bearer
from compline.scanners.http.refusals import Bounds

MOST_CALLS = 4_000
"""Requests per look: lists come by 100, sources of DAGs and logs one by one."""
MOST_BYTES = 32 << 20
"""Of one answer, unpacked."""
PAGE = 100
"""What Airflow gives at most, by its default `[api] maximum_page_limit`."""
MOST_ENTRIES = 50_000
"""Of one list."""


class Refused(Exception):
    """403: the account may not see it; the message names the path."""


class Rest:
    """One Airflow, asked as one account."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._service.address)

    @property
    def left(self) -> float:
        """Seconds that there are left for all calls together."""
        return self._service.left

    def log_in(self, credential: str) -> None:
        """Takes a token, or exchanges user:password for one.

        Raises:
            CannotCollect: it is not accepted.
        """
        user, colon, password = credential.partition(":")
        token: object = credential
        if colon:
            answer = self._service.token("auth/token", {"username": user, "password": password})
            if answer.status not in (200, 201):
                raise CannotCollect(
                    f"auth/token answers {answer.status}: Airflow does not accept the configured "
                    "credential, or its authentication manager gives no tokens for passwords"
                )
            given = answer.json()
            token = given.get("access_token") if isinstance(given, dict) else None
            if not isinstance(token, str) or not token:
                raise CannotCollect("auth/token gives no access_token")
        self._service.log_in(Bearer(str(token)))

    def get(
        self, path: str, parameters: Mapping[str, str] | None = None, *, anonymous: bool = False
    ) -> Answer:
        """The answer to one call; `anonymous` sends no credential.

        Raises:
            NoAnswer: there is none.
        """
        return self._service.get(path, parameters, anonymous=anonymous)

    def read(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What a path answers, as JSON.

        Raises:
            NoAnswer: as for `get`, or there is no such path.
            Refused: the account may not see it.
        """
        answer = self.get(path, parameters)
        if answer.status == 403:
            raise Refused(f"{path} answers 403: the account may not see it")
        if answer.status != 200:
            raise NoAnswer(f"{path} answers {answer.status}; is this an Airflow 3?", answer.status)
        return answer.json()

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


@contextmanager
def reading(url: str, credential: str | None, seconds: float, option: str) -> Iterator[Rest]:
    """The Airflow at the URL, logged in if there is a credential.

    Args:
        url: of its api-server.
        credential: a token or user:password.
        seconds: for all calls together.
        option: of the configuration, which sets the seconds.

    Raises:
        CannotCollect: no connection, or the credential is not accepted.
    """
    bounds = Bounds("Airflow 3", seconds, option, MOST_CALLS, MOST_BYTES)
    with reading_service(url, bounds) as service:
        rest = Rest(service)
        if credential is not None:
            rest.log_in(credential)
        yield rest
