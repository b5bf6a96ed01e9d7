"""Proves at every scan that recorded answers of a badly kept registry still give every finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from compline.advisories.index import OsvIndex
from compline.model import MISSED_CANARY
from compline.scanners.registries import buckets, mlflow
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.policy import parse_policy
from compline.scanners.registries.rules import RULES
from compline.scanners.registries.server import PACKAGE, release
from compline.scanners.registries.telling import facts_of

_RECORDED = Path(__file__).parent / "canaries" / "mlflow.json"


class CanaryMissed(Exception):
    """A known defect was not reported, so nothing that the check says can be trusted."""


def prove(seconds: float) -> None:
    """Sends the recorded answers through the client, the parser and the evaluation.

    Raises:
        CanaryMissed: names the rules that said nothing.
        CannotCollect: the recorded answers cannot even be read.
    """
    recorded = json.loads(_RECORDED.read_text(encoding="utf-8"))
    facts = mlflow.collect(
        recorded["url"], recorded["credential"], seconds, httpx.MockTransport(_replay(recorded))
    )
    running = release(facts)
    known = OsvIndex([recorded["advisory"]], "the canary")
    advisories = known.affecting(PACKAGE, running) if running else []
    bucket = buckets.read(**recorded["bucket"])
    found = {
        observation.rule
        for policy in recorded["policies"]
        for observation in evaluate(facts, parse_policy(policy), "canary", advisories, bucket)
    }
    wanted = {*RULES, recorded["advisory"]["id"]}
    told = {fact.subject for fact in facts_of(facts)}
    missed = sorted((wanted - found) | (set(recorded["facts"]) - told))
    if missed:
        raise CanaryMissed(
            f"the check {MISSED_CANARY}: a known defect was not reported by {', '.join(missed)}"
        )


def _replay(recorded: dict[str, Any]) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        parameters = dict(request.url.params)
        page = parameters.get("page_token", "")
        key = request.url.path.lstrip("/") + (f"?page_token={page}" if page else "")
        known = recorded["answers"].get(key)
        if known is None:
            return httpx.Response(404)
        if isinstance(known, str):
            return httpx.Response(200, text=known)
        return httpx.Response(200, json=known)

    return answer
