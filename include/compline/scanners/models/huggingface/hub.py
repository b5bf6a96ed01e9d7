"""The Hub over HTTP, as listings and reading need it: by GET only, and files where they lie.

Calls: https://huggingface.co/docs/hub/en/api. A file is asked for at
`ORGANISATION/MODEL/resolve/COMMIT/PATH`, which answers with it, or redirects to itself or to hosts
of storage (https://huggingface.co/docs/hub/models-downloading, "behind a proxy or firewall").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import TypeVar
from urllib.parse import quote

from compline.model import Gap, GapReason
from compline.scanners.http.answers import NoAnswer, TooSlow
from compline.scanners.http.client import reading
from compline.scanners.http.credentials import Bearer
from compline.scanners.http.pages import linked
from compline.scanners.http.redirects import FileHosts
from compline.scanners.http.refusals import Bounds
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable
from compline.scanners.models.huggingface.answers import (
    Malformed,
    Ref,
    Refs,
    files_of,
    names_of,
    refs_of,
)
from compline.scanners.models.huggingface.checked import Checked
from compline.scanners.models.places.pace import SETTING, SLOWEST
from compline.scanners.models.places.web import WebFile

MOST_CALLS = 1_000_000
"""Requests per look: some for each model, and one for each file; time is what ends them."""
_PAGE = {"limit": "500"}
_TREE = {"recursive": "true", "limit": "1000"}
"""A page of a tree has at most 1,000 entries."""

_Found = TypeVar("_Found")


class Hub:
    """One organisation, asked with one token; safe to use from several threads at once."""

    def __init__(
        self, url: str, organisation: str, token: str, seconds: float, hosts: Sequence[str]
    ) -> None:
        """Everything but files is asked within `seconds` from now.

        Args:
            url: of the Hub.
            organisation: whose models are asked for.
            token: that may read them.
            seconds: for all of it; a file has as long, and what its size takes.
            hosts: that may hand out files.

        Raises:
            CannotList: URL or token is not of the right form.
        """
        self.organisation, self._seconds = organisation, seconds
        self._hosts = FileHosts(hosts, "file_hosts")
        self._open = ExitStack()
        try:
            bounds = Bounds("the Hub", seconds, SETTING, MOST_CALLS)
            self._service = self._open.enter_context(reading(url, bounds, Bearer(token)))
        except NoAnswer as error:
            raise CannotList(str(error)) from None

    def models(self) -> list[str]:
        """The names of the organisation's models.

        Raises:
            CannotList: there is no whole list.
        """
        query = {"author": self.organisation, **_PAGE}
        try:
            pages = linked(self._service, "api/models", query)
            found = [name for page in pages for name in names_of(page, self.organisation)]
        except (NoAnswer, Malformed) as error:
            raise CannotList(f"the Hub cannot be listed: {error}") from None
        return sorted(set(found))

    def refs(self, model: str) -> Refs:
        """Branches and tags of a model.

        Raises:
            Unreadable: they are not told.
        """
        path = f"api/models/{self._repository(model)}/refs"

        def ask() -> Refs:
            answer = self._service.get(path)
            if answer.status != 200:
                raise NoAnswer(f"{path} answers {answer.status} to our token", answer.status)
            return refs_of(answer.json())

        return _told(ask)

    def files(self, model: str, ref: Ref) -> tuple[list[Artifact], list[Gap]]:
        """The files of one version, and what of it is none.

        Raises:
            Unreadable: they are not told, or not to the end.
        """
        repository = self._repository(model)
        path = f"api/models/{repository}/tree/{ref.commit}"

        def ask() -> tuple[list[Artifact], list[Gap]]:
            pages = linked(self._service, path, _TREE)
            return files_of(chain.from_iterable(pages), model, ref, repository)

        return _told(ask)

    @contextmanager
    def open(self, artifact: Artifact) -> Iterator[Readable]:
        """The content of a file; that it is the one which was listed shows at its end.

        Raises:
            Unreadable: it is not given out, or by a host that is not asked.
        """
        seconds = self._seconds + artifact.size / SLOWEST
        with ExitStack() as opened:
            try:
                body = self._service.stream(artifact.where, seconds, self._hosts)
                stream = WebFile(opened.enter_context(body))
            except NoAnswer as error:
                raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
            yield Checked(stream, artifact)

    def close(self) -> None:
        """Lets go of connections."""
        self._open.close()

    def _repository(self, model: str) -> str:
        return f"{quote(self.organisation)}/{model}"


def _told(ask: Callable[[], _Found]) -> _Found:
    """What is asked of one repository.

    Raises:
        Unreadable: why there is no such answer; others may have one.
    """
    try:
        return ask()
    except TooSlow:
        text = f"the Hub did not tell of it within {SETTING}"
        raise Unreadable(GapReason.TRUNCATED, text) from None
    except Malformed as error:
        text = f"the Hub's answer is of another shape: {error}"
        raise Unreadable(GapReason.UNPARSED, text) from None
    except NoAnswer as error:
        if error.status in (401, 403, 404):
            text = f"{error}: see the rights in docs/checks/models.md"
            raise Unreadable(GapReason.FORBIDDEN, text) from None
        reason = GapReason.UNPARSED if error.status == 200 else GapReason.TRUNCATED
        raise Unreadable(reason, str(error)) from None
