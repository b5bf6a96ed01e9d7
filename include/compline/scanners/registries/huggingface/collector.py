"""Asks the Hugging Face Hub about one organisation, by GET only, with a token that may read.

The Hub cannot be had where Compline is tested: `canary.json` and the tests hold its documented
answers (`whoami-v2`, `organizations/ORG/members`, `models`, `datasets`), and an answer of another
shape is refused, never taken for an empty one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.registries.facts import CannotAsk
from compline.scanners.registries.http import MOST_CALLS, Bearer, CallsUsedUp, reading
from compline.scanners.registries.huggingface import frames

PACKAGES = ("httpx",)

HUB = "https://huggingface.co"
_PAGE = 500
_REPOSITORIES = ("models", "datasets")


def variant(_asked: Asked) -> str:
    """There is but one reader."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Token, members, repositories with the names of their files."""
    url = str(asked.target.settings.get("url") or HUB)
    try:
        answers = asyncio.run(
            _all(url, asked.text("organisation"), asked.secret("token"), asked.seconds)
        )
        return frames.inventory_of(answers)
    except TimeoutError:
        raise CannotCollect(f"the Hub did not answer within {asked.seconds:g} s") from None
    except CannotAsk as error:
        raise CannotCollect(str(error)) from None


def recorded(answers: Mapping[str, Any], _asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return frames.inventory_of(answers)


async def _all(url: str, organisation: str, token: str, seconds: float) -> dict[str, Any]:
    gaps: list[Gap] = []
    async with (
        asyncio.timeout(seconds),
        reading(url, None, seconds, auth=Bearer(token)) as service,
    ):

        async def pages(path: str, parameters: Mapping[str, str], place: str) -> list[Any] | None:
            found: list[Any] = []
            following, asked = path, dict(parameters)
            seen = set()
            while following:
                if following in seen:
                    raise CannotAsk(f"{path} gives the same page again and again")
                seen.add(following)
                try:
                    answer = await service.get(following, asked)
                except CallsUsedUp:
                    detail = f"more than {MOST_CALLS} calls were needed"
                    gaps.append(Gap(GapReason.TRUNCATED, place, detail))
                    return found
                if answer.status in (403, 404):
                    detail = f"{path} answers {answer.status} to our token"
                    gaps.append(Gap(GapReason.FORBIDDEN, place, detail))
                    return found or None
                if answer.status != 200:
                    raise CannotAsk(f"{path} answers {answer.status}")
                page = answer.json(path)
                if not isinstance(page, list):
                    raise CannotAsk(f"{path}: the answer is not a list")
                found += page
                following, asked = answer.following, {}
            return found

        who = await service.get("api/whoami-v2")
        if who.status != 200:
            raise CannotAsk(f"api/whoami-v2 answers {who.status} to our token")
        answers: dict[str, Any] = {
            "whoami": who.json("api/whoami-v2"),
            "members": await pages(f"api/organizations/{organisation}/members", {}, "member/"),
        }
        for kind in _REPOSITORIES:
            query = {"author": organisation, "limit": str(_PAGE), "full": "true"}
            answers[kind] = await pages(f"api/{kind}", query, f"repository/{kind}/")
    return {**answers, "gaps": gaps, "organisation": organisation}
