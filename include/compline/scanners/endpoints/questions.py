"""What an endpoint is asked, in order: nothing here judges, and nothing changes the endpoint."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from compline.scanners.endpoints import probes
from compline.scanners.endpoints.answers import (
    CLOSED,
    HOME,
    PLAIN,
    PLAIN_CALL,
    UNKNOWN,
    Answers,
    Limits,
)
from compline.scanners.endpoints.asking import Answer, Asker, Identity, NoAnswer, NotConnected
from compline.scanners.endpoints.shapes import Asked, Door

FOREIGN_ORIGIN = "https://compline-check.invalid"
_AWAY = (502, 503, 504)
_LIMIT_HEADERS = ("ratelimit", "x-ratelimit", "x-rate-limit")


@dataclass(frozen=True)
class Plan:
    """What is asked of one endpoint."""

    call: Asked
    """Shows who is let in."""
    cheap: Asked
    """What is called again and again for the rate limit."""
    doors: tuple[Door, ...]
    plain_port: int
    limit_calls: int
    """Most calls in a row for the rate limit; 0 asks nothing."""
    model: str = ""
    probes: bool = False
    prompt_canary: str = field(default="", repr=False)


class _Notebook:
    """Writes down answers, and why there are none."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.asked: dict[str, Answer] = {}
        self.missing: dict[str, str] = {}

    async def ask(self, question: str, method: str, path: str, **how: Any) -> Answer | None:
        try:
            self.asked[question] = await self.asker.call(method, path, **how)
        except NoAnswer as error:
            self.missing[question] = str(error)
            return None
        return self.asked[question]


async def ask(asker: Asker, plan: Plan) -> Answers:
    """Asks everything.

    Raises:
        NoAnswer: not even a path that cannot exist is answered: the endpoint is not well.
    """
    notes = _Notebook(asker)
    notes.asked[UNKNOWN] = await asker.call("GET", f"/compline-{secrets.token_hex(12)}")
    if notes.asked[UNKNOWN].status in _AWAY:
        raise NoAnswer(f"it answers {notes.asked[UNKNOWN].status}")
    await notes.ask(HOME, "GET", "")
    if asker.place.scheme == "https":
        await _plain(notes, plan)
    await _access(notes, plan)
    for door in plan.doors:
        await _door(notes, door)
    await _cors(notes, plan)
    planted: dict[str, str] = {}
    who: Identity = "right" if _works(notes) else "anonymous"
    await _errors(notes, plan, who)
    if plan.probes and who == "right":
        planted = await _probes(notes, plan)
    elif plan.probes:
        notes.missing["probe/"] = "no prompt is sent where no call is known to work"
    limits = await _limits(notes, plan, who)
    call = plan.call
    return Answers(
        scheme=asker.place.scheme,
        host=asker.place.host,
        call=f"{call.method} {asker.place.resolved(call.path)}",
        asked=notes.asked,
        missing=notes.missing,
        doors=plan.doors,
        limits=limits,
        planted=planted,
    )


def _works(notes: _Notebook) -> bool:
    answer = notes.asked.get("access/right")
    return answer is not None and 200 <= answer.status < 300


async def _plain(notes: _Notebook, plan: Plan) -> None:
    """The same over http, and the call itself where that is refused: some paths are nowhere."""
    place = notes.asker.place.plain(plan.plain_port)
    asks = {PLAIN: plan.cheap} | ({PLAIN_CALL: plan.call} if plan.call != plan.cheap else {})
    for question, call in asks.items():
        path = notes.asker.place.resolved(call.path)
        try:
            answer = await notes.asker.call(
                call.method, path, body=call.body, place=place, patient=False
            )
        except NotConnected:
            answer = CLOSED
        except NoAnswer as error:
            notes.missing[question] = str(error)
            return
        notes.asked[question] = answer
        if answer == CLOSED or answer.status < 400:
            return


async def _access(notes: _Notebook, plan: Plan) -> None:
    call = plan.call
    identities: tuple[Identity, ...] = ("anonymous", "wrong")
    if notes.asker.has_credential:
        identities = (*identities, "right")
    for identity in identities:
        await notes.ask(
            f"access/{identity}", call.method, call.path, identity=identity, body=call.body
        )


async def _door(notes: _Notebook, door: Door) -> None:
    question = f"door/{door.method} {door.path}"
    answer = await notes.ask(question, door.method, door.path, body=door.body)
    if answer is None or door.method != "GET":
        return
    # Only a slash at its end is followed: everything else leads to a login, or away.
    path = notes.asker.place.resolved(door.path)
    parts = urlsplit(answer.headers.get("location", ""))
    own = parts.netloc in ("", notes.asker.place.authority)
    if 300 <= answer.status < 400 and own and parts.path == f"{path}/":
        await notes.ask(question, "GET", parts.path)


async def _cors(notes: _Notebook, plan: Plan) -> None:
    host = notes.asker.place.host
    begins, ends = f"{host}.compline-check.invalid", ".".join(host.split(".")[-2:])
    # The last one is another domain whose name ends as the host's does.
    for origin in (FOREIGN_ORIGIN, "null", f"https://{begins}", f"https://compline-check-{ends}"):
        await notes.ask(
            f"cors/{origin}",
            "OPTIONS",
            plan.call.path,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": plan.call.method,
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        )
    await notes.ask("cors-get", "GET", plan.cheap.path, headers={"Origin": FOREIGN_ORIGIN})


async def _errors(notes: _Notebook, plan: Plan, who: Identity) -> None:
    path = plan.call.path
    if plan.call.method == "POST":
        # Elsewhere nobody knows what a POST would do.
        await notes.ask("errors/broken-json", "POST", path, identity=who, text='{"a": [1, ')
        await notes.ask("errors/wrong-types", "POST", path, identity=who, body=[None, {"a": 1e308}])
    await notes.ask("errors/odd-header", "GET", path, identity=who, headers={"Accept": "x/;q=a"})


async def _probes(notes: _Notebook, plan: Plan) -> dict[str, str]:
    planted = {}
    for probe in probes.made(plan.model, plan.prompt_canary):
        planted[probe.name] = probe.planted
        await notes.ask(
            f"probe/{probe.name}", "POST", "chat/completions", identity="right", body=probe.body
        )
    return planted


async def _limits(notes: _Notebook, plan: Plan, who: Identity) -> Limits | None:
    if not plan.limit_calls:
        return None
    for number in range(1, plan.limit_calls + 1):
        try:
            answer = await notes.asker.call(
                plan.cheap.method, plan.cheap.path, identity=who, patient=False
            )
        except NoAnswer as error:
            notes.missing["limits"] = str(error)
            return None
        if answer.status == 429 or _tells_limit(answer.headers):
            return Limits(number, seen=True)
        if answer.status >= 500:
            notes.missing["limits"] = f"it answers {answer.status}"
            return None
    return Limits(plan.limit_calls, seen=False)


def _tells_limit(headers: Mapping[str, str]) -> bool:
    return any(name.startswith(_LIMIT_HEADERS) for name in headers)
