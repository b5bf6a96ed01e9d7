"""Every page of a search, and what a refusal in it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from compline.model import Gap, GapReason
from compline.scanners.http.answers import Answer, CallsUsedUp
from compline.scanners.http.client import Service
from compline.scanners.registries.facts import CannotAsk

PAGE = 1000
"""Most that MLflow gives at once."""

_Item = TypeVar("_Item")


@dataclass
class Pages:
    """Reads searches of one service; what it could not read it adds to the gaps."""

    service: Service
    gaps: list[Gap]

    def all(
        self,
        path: str,
        read: Callable[[Any], tuple[tuple[_Item, ...], str]],
        place: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[_Item, ...] | None:
        """Everything that there is; None where it is refused.

        Args:
            path: of the search.
            read: gives a page's items and the next page's token.
            place: what a gap is about.
            parameters: of each call, beside size and token.
            headers: of each call.

        Raises:
            CannotCollect: no answer, an error, garbage, or pages without an end.
        """
        seen: set[str] = set()
        found: list[_Item] | None = None
        token = ""
        while True:
            page = {"page_token": token} if token else {}
            try:
                answer = self.service.get(
                    path, {"max_results": str(PAGE), **(parameters or {}), **page}, headers=headers
                )
            except CallsUsedUp as error:
                self.gaps.append(Gap(GapReason.TRUNCATED, place, str(error)))
                return None if found is None else tuple(found)
            if answer.status != 200:
                self.refused(answer, path, place)
                return None if found is None else tuple(found)
            items, token = read(answer.json())
            found = found or []
            found += items
            if not token:
                return tuple(found)
            if token in seen:
                raise CannotAsk(f"{path} gives the same page again and again")
            seen.add(token)

    def refused(self, answer: Answer, path: str, place: str) -> None:
        """A gap where the service does not tell, or does not know the question.

        Raises:
            CannotAsk: it is neither.
        """
        if answer.status == 403:
            self.gaps.append(Gap(GapReason.FORBIDDEN, place, f"{path} answers 403 to our account"))
        elif answer.status == 404:
            self.gaps.append(
                Gap(GapReason.UNSUPPORTED, place, f"{path} is not there before MLflow 3.17")
            )
        else:
            raise CannotAsk(f"{path} answers {answer.status}")
