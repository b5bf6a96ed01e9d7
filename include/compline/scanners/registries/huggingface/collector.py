"""Asks the Hugging Face Hub about one organisation, by GET only, with a token that may read.

The Hub cannot be had where Compline is tested: `canary.json` and the tests hold its documented
answers (`whoami-v2`, `organizations/ORG/members`, `models`, `datasets`, `spaces`), and an answer of
another shape is refused, never taken for an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.http.answers import CallsUsedUp, NoAnswer
from compline.scanners.http.client import Service, reading
from compline.scanners.http.credentials import Bearer
from compline.scanners.http.pages import linked
from compline.scanners.http.refusals import Bounds
from compline.scanners.registries.huggingface import frames

PACKAGES = ("httpx",)

HUB = "https://huggingface.co"
MOST_CALLS = 100
"""Requests per look."""
_PAGE = 500


def variant(_asked: Asked) -> str:
    """There is but one reader."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Token, members, repositories with the names of their files.

    Raises:
        CannotCollect: no answer, or one of another shape.
    """
    url = str(asked.target.settings.get("url") or HUB)
    bounds = Bounds("the Hub", asked.seconds, "scanners.registry-permissions.seconds", MOST_CALLS)
    with reading(url, bounds, Bearer(asked.secret("token"))) as service:
        return frames.inventory_of(_Look(service).answers(asked.text("organisation")))


def recorded(answers: Mapping[str, Any], _asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return frames.inventory_of(answers)


@dataclass
class _Look:
    service: Service
    gaps: list[Gap] = field(default_factory=list)

    def answers(self, organisation: str) -> dict[str, Any]:
        """By name, with the gaps."""
        who = self.service.get("api/whoami-v2")
        if who.status != 200:
            raise CannotCollect(f"api/whoami-v2 answers {who.status} to our token")
        answers: dict[str, Any] = {
            "whoami": who.json(),
            "members": self._pages(f"api/organizations/{organisation}/members", {}, "member/"),
        }
        for kind in frames.REPOSITORIES:
            query = {"author": organisation, "limit": str(_PAGE), "full": "true"}
            answers[kind] = self._pages(f"api/{kind}", query, f"repository/{kind}/")
        return {**answers, "gaps": self.gaps, "organisation": organisation}

    def _pages(self, path: str, parameters: Mapping[str, str], place: str) -> list[Any] | None:
        """Every page; None where the first one is refused."""
        found: list[Any] = []
        try:
            for page in linked(self.service, path, parameters):
                found += page
        except CallsUsedUp:
            detail = f"more than {MOST_CALLS} calls were needed"
            self.gaps.append(Gap(GapReason.TRUNCATED, place, detail))
        except NoAnswer as error:
            if error.status not in (403, 404):
                raise
            self.gaps.append(Gap(GapReason.FORBIDDEN, place, str(error)))
            return found or None
        return found
