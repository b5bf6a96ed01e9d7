"""An MLflow server over HTTP, as listings and reading need it: JSON objects, pages, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from compline.model import GapReason
from compline.scanners.http.answers import Answer, NoAnswer, TooSlow
from compline.scanners.http.client import reading
from compline.scanners.http.credentials import basic
from compline.scanners.http.refusals import Bounds
from compline.scanners.models.artifacts import CannotList, Unreadable
from compline.scanners.models.places.pace import SETTING, SLOWEST
from compline.scanners.models.places.web import WebFile
from compline.scanners.registries.facts import DEFAULT_WORKSPACE, IN_WORKSPACE

API = "api/2.0/mlflow/"
"""Of an MLflow server."""
MOST_CALLS = 1_000_000
"""Requests per look: some for each version and folder; time is what ends them."""
_PAGE = "1000"


class NotInTime(CannotList):
    """The time for listing is over."""


class Rest:
    """One server, asked as one account."""

    def __init__(
        self, url: str, credential: str | None, seconds: float, workspace: str = DEFAULT_WORKSPACE
    ) -> None:
        """Everything but files is asked within `seconds` from now; `credential` is user:password.

        Raises:
            CannotList: one of them is not of the right form.
        """
        self._seconds = seconds
        self._open = ExitStack()
        try:
            auth = basic(credential, "the registry") if credential is not None else None
            bounds = Bounds("MLflow", seconds, SETTING, MOST_CALLS)
            headers = {IN_WORKSPACE: workspace} if workspace != DEFAULT_WORKSPACE else {}
            service = reading(url, bounds, auth, headers=headers)
            self._service = self._open.enter_context(service)
        except NoAnswer as error:
            raise CannotList(str(error)) from None

    def json(self, path: str, parameters: Mapping[str, str], *, missing: bool = False) -> Any:
        """The answer's object; None for 404 where `missing` allows it.

        Raises:
            CannotList: there is no such answer.
            NotInTime: the time is over.
        """
        return self._object(path, lambda: self._service.get(path, parameters), missing=missing)

    def search(self, path: str, question: Mapping[str, Any]) -> Any:
        """The object that one of the client's `SEARCHES` answers.

        Raises:
            CannotList: as for `json`; an older server, or an account that may not search.
            NotInTime: as for `json`.
        """
        return self._object(path, lambda: self._service.search(path, question), missing=False)

    def _object(self, path: str, ask: Callable[[], Answer], *, missing: bool) -> Any:
        try:
            answer = ask()
            if answer.status == 404 and missing:
                return None
            if answer.status != 200:
                raise CannotList(f"{path} answers {answer.status}: {_hint(answer.status)}")
            value = answer.json()
        except TooSlow as error:
            raise NotInTime(str(error)) from None
        except NoAnswer as error:
            raise CannotList(str(error)) from None
        if not isinstance(value, dict):
            raise CannotList(f"{path}: the answer is not an object")
        return value

    def pages(self, call: str, key: str, **more: str) -> Iterator[Mapping[str, Any]]:
        """Every entry of one of MLflow's searches by GET, asked page by page.

        Args:
            call: below `API`.
            key: of the answer, under which the entries stand.
            more: parameters.

        Raises:
            CannotList: as for `json`; an answer without a list, the same page again.
        """
        seen: set[str] = set()
        token = ""
        while True:
            if token:
                more["page_token"] = token
            answer = self.json(f"{API}{call}", {"max_results": _PAGE, **more})
            if not isinstance(answer.get(key, []), list):
                raise CannotList(f"{call}: the answer is not an MLflow server's")
            yield from answer.get(key, [])
            token = str(answer.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                raise CannotList(f"{call} gives the same page again and again")
            seen.add(token)

    def close(self) -> None:
        """Lets go of the connection."""
        self._open.close()

    @contextmanager
    def stream(self, path: str, size: int) -> Iterator[WebFile]:
        """The content of a file of so many bytes.

        Raises:
            Unreadable: it is not given out, or does not come in time.
            CannotList: the server does not answer.
        """
        with ExitStack() as opened:
            try:
                seconds = self._seconds + size / SLOWEST
                body = opened.enter_context(self._service.stream(path, seconds))
            except NoAnswer as error:
                if error.status:
                    raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
                raise CannotList(str(error)) from None
            yield WebFile(body)


def _hint(status: int) -> str:
    return "see the rights in docs/checks/models.md" if status == 403 else "is this MLflow?"
