"""Lists that come in pages, each of which names the next one in a Link header (RFC 8288)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compline.scanners.http.answers import NoAnswer
from compline.scanners.http.client import Service


def linked(service: Service, path: str, parameters: Mapping[str, str]) -> Iterator[list[Any]]:
    """The pages of one list, in turn.

    Raises:
        NoAnswer: as `Service.get` does; another status than 200, with that status; what is no
            list; the same page again.
    """
    following, asked = path, dict(parameters)
    seen: set[str] = set()
    while following:
        if following in seen:
            raise NoAnswer(f"{path} gives the same page again and again")
        seen.add(following)
        answer = service.get(following, asked)
        if answer.status != 200:
            raise NoAnswer(f"{path} answers {answer.status} to our token", answer.status)
        page = answer.json()
        if not isinstance(page, list):
            raise NoAnswer(f"{path}: the answer is not a list", answer.status)
        yield page
        following, asked = answer.following, {}
