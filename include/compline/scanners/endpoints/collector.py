"""An inference endpoint's inventory: what it gives to whom, and how it speaks TLS."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compline.scanners.endpoints import tls
from compline.scanners.endpoints.answers import Answers
from compline.scanners.endpoints.answers import recorded as recorded_answers
from compline.scanners.endpoints.asking import Credential, NoAnswer, asking
from compline.scanners.endpoints.frames import Allowed, inventory_of
from compline.scanners.endpoints.questions import Plan, ask
from compline.scanners.endpoints.shapes import Asked as Call
from compline.scanners.endpoints.shapes import doors, usual_call
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.http.addresses import NoPlace, Place, find

PACKAGES = ("httpx",)
TOOLS = ("sslyze",)
_TLS_SHARE = 0.6
"""Of the time, for sslyze; the rest is for the questions."""


def variant(_asked: Asked) -> str:
    """Every endpoint's answers are read the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks the endpoint, at the address that its name had at first."""
    started = time.monotonic()
    settings = asked.target.settings
    try:
        place = find(asked.text("url"), settings.get("private_hosts") or ())
    except NoPlace as error:
        raise CannotCollect(str(error)) from None
    ca = Path(settings["ca"]) if settings.get("ca") else None
    credential = None
    if settings.get("credential"):
        credential = Credential(asked.secret("credential"), str(settings.get("send") or "bearer"))
    plan = _plan(asked, place)
    # First the questions: a service that is down or drips costs no minute of sslyze.
    answers = _answers(place, credential, ca, plan, asked.seconds)
    sandbox = ""
    if place.scheme == "https":
        left = min(asked.seconds * _TLS_SHARE, asked.seconds - (time.monotonic() - started))
        answers, sandbox = _with_tls(answers, asked, place, ca, max(left, 5.0))
    return replace(inventory_of(answers, _allowed(asked.values), asked.now), sandbox=sandbox)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded answers."""
    return inventory_of(recorded_answers(answers), _allowed(asked.values), asked.now)


def _allowed(values: Mapping[str, Any]) -> Allowed:
    return Allowed(
        bool(values.get("public")),
        values.get("public_paths") or (),
        values.get("cors_origins") or (),
    )


def _plan(asked: Asked, place: Place) -> Plan:
    settings = asked.target.settings
    shape, model = str(settings.get("shape") or "plain"), str(settings.get("model") or "")
    given = settings.get("call")
    call = Call(given["method"], given["path"], given.get("body")) if given else None
    call = call or usual_call(shape, model)
    cheap = call if call.method == "GET" else Call("GET", "models" if shape == "openai" else "")
    canary = asked.secret("prompt_canary") if settings.get("prompt_canary") else ""
    return Plan(
        call=call,
        cheap=cheap,
        doors=tuple(
            replace(door, path=place.resolved(door.path))
            for door in doors(shape, asked.values.get("closed_paths") or ())
        ),
        plain_port=int(settings.get("plain_port") or 80),
        limit_calls=max(0, min(int(asked.values.get("rate_limit_calls") or 0), 50)),
        model=model,
        probes=bool(settings.get("probes")),
        prompt_canary=canary,
    )


def _answers(
    place: Place, credential: Credential | None, ca: Path | None, plan: Plan, seconds: float
) -> Answers:
    async def within() -> Answers:
        async with asking(place, credential, ca, seconds) as asker:
            return await ask(asker, plan)

    try:
        return asyncio.run(within())
    except TimeoutError:
        raise CannotCollect(f"the endpoint took longer than {seconds:g} seconds") from None
    except NoAnswer as error:
        raise CannotCollect(f"the endpoint is not well: {error}") from None
    except (OSError, ssl.SSLError) as error:
        raise CannotCollect(f"the certificates of `ca:` cannot be read: {error}") from None


def _with_tls(
    answers: Answers, asked: Asked, place: Place, ca: Path | None, seconds: float
) -> tuple[Answers, str]:
    limits = asked.config.limits
    if asked.tools is None:
        return replace(answers, tls_missing="there are no tools here"), ""
    tool = asked.tools.get("sslyze")
    try:
        found, sandbox = tls.scan(
            tool, place, ca, seconds, limits.tool_memory_mb, limits.tool_output_mb
        )
    except CannotCollect as error:
        return replace(answers, tls_missing=str(error)), ""
    return replace(answers, tls=found), sandbox
