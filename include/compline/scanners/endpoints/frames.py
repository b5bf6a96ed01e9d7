"""Answers to frames: purely, so that recorded answers go the same way as real ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.endpoints import probes, tls
from compline.scanners.endpoints.answers import (
    CLOSED,
    HOME,
    PLAIN,
    PLAIN_CALL,
    UNKNOWN,
    Answers,
    page_of,
)
from compline.scanners.endpoints.asking import Answer
from compline.scanners.endpoints.leaks import leak
from compline.scanners.endpoints.shapes import Door
from compline.scanners.expectations.inventory import Inventory, frame_of

FRAMES: Mapping[str, tuple[str, ...]] = {
    "transport": ("item", "value"),
    "headers": ("header", "value", "number", "tells_version"),
    "tls_versions": ("version", "accepted"),
    "tls_ciphers": ("version", "weakness", "suites"),
    "tls_flaws": ("flaw", "vulnerable"),
    "certificates": (
        *("certificate", "subject", "days_left", "in_time", "names_host", "trust"),
        *("key", "key_strong", "signature", "in_order"),
    ),
    "access": ("identity", "call", "status", "let_in"),
    "doors": ("what", "door", "status", "open"),
    "cors": ("origin", "call", "allowed", "with_credentials"),
    "limits": ("calls", "seen"),
    "errors": ("case", "status", "shows"),
    "probes": ("probe", "fell_for"),
}
"""Frame to its columns."""

_REFUSED = (401, 403, 407)
_Row = dict[str, Any]


@dataclass(frozen=True)
class Allowed:
    """What the policy lets strangers have."""

    public: bool = False
    """Whether anybody may call it."""
    paths: Collection[str] = ()
    """That may be open."""
    origins: Collection[str] = ()
    """Whose pages may call it; `*`: all."""


def inventory_of(answers: Answers, allowed: Allowed, now: datetime) -> Inventory:
    """The frames, and a gap for each question that has no answer."""
    missing = {**answers.missing, **_unwell(answers.asked)}
    gaps = [
        Gap(GapReason.FORBIDDEN, *_place(question, reason)) for question, reason in missing.items()
    ]
    if _shut_out(answers):
        gaps += [Gap(GapReason.FORBIDDEN, place, _SHUT_OUT) for place in _TOLD_BY_REFUSALS]
    rows: dict[str, list[_Row]] = {name: [] for name in FRAMES}
    rows["transport"] = list(_transport(answers))
    rows["headers"] = list(_headers(answers))
    rows["access"] = list(_access(answers, allowed, gaps))
    rows["doors"] = list(_doors(answers, allowed))
    rows["cors"] = list(_cors(answers, allowed))
    rows["errors"] = list(_errors(answers))
    rows["probes"] = list(_probes(answers, gaps))
    if answers.limits is not None:
        rows["limits"] = [{"calls": answers.limits.calls, "seen": answers.limits.seen}]
    if answers.tls is not None:
        _tls(answers, answers.tls, now, rows, gaps)
    elif answers.tls_missing:
        gaps.append(Gap(GapReason.FORBIDDEN, "tls/", answers.tls_missing))
    frames = {name: frame_of(columns, rows[name]) for name, columns in FRAMES.items()}
    return Inventory(frames, gaps=tuple(gaps))


def _unwell(asked: Mapping[str, Answer]) -> dict[str, str]:
    """Questions whose answers are the server's own errors: they tell nothing, save of errors."""
    return {
        question: f"it answers {answer.status}"
        for question, answer in asked.items()
        if answer.status >= 500 and question.partition("/")[0] not in ("errors", UNKNOWN)
    }


def _shut_out(answers: Answers) -> bool:
    """Whether whatever stands before the endpoint may refuse us alone, and nobody else."""
    asked = (answers.asked.get(question) for question in (UNKNOWN, "access/right"))
    return all(answer is not None and answer.status == 403 for answer in asked)


_SHUT_OUT = "it answers 403 to every path and to the credential: we may be shut out, others not"
_TOLD_BY_REFUSALS = ("door/", "cors/", "errors/", "header/", "limits")
"""What would look good to somebody who is shut out."""


def _place(question: str, reason: str) -> tuple[str, str]:
    """What lies in the gap that a question leaves, and what is said of it."""
    aspect, _, rest = question.partition("/")
    detail = f"{question}: {reason}"
    if aspect == "access":
        return "access/", detail
    if aspect == "cors-get":
        return "cors/", detail
    if question in (PLAIN, PLAIN_CALL):
        return "transport/plain-http", detail
    if question == HOME:
        return "header/", detail
    return f"{aspect}/{rest}" if rest or aspect == "probe" else aspect, detail


def _transport(answers: Answers) -> Iterator[_Row]:
    yield {"item": "tls", "value": "yes" if answers.scheme == "https" else "no"}
    told = [
        _in_the_clear(answers, answer)
        for answer in map(answers.asked.get, (PLAIN, PLAIN_CALL))
        if answer is not None and answer.status < 500
    ]
    if told:
        # Whoever serves the call in the clear may well not know the other path.
        yield {"item": "plain-http", "value": "answers" if "answers" in told else told[0]}


def _in_the_clear(answers: Answers, answer: Answer) -> str:
    location = answer.headers.get("location", "").lower()
    if 300 <= answer.status < 400 and location.startswith("https://"):
        return "redirects"
    over_tls = answers.asked.get("access/anonymous")
    same = over_tls is not None and (answer.status, answer.body) == (over_tls.status, over_tls.body)
    # A server that says its port wants TLS, or that nothing is here, serves nothing in clear;
    # unless it says the same, word for word, over TLS.
    refused = answer.status in (CLOSED.status, 400, 403, 404, 405, 410, 421, 426)
    return "refuses" if refused and not (same and answer.body) else "answers"


def _headers(answers: Answers) -> Iterator[_Row]:
    known = (answers.asked.get(question) for question in ("access/right", HOME))
    answer = next((each for each in known if each is not None and each.status < 500), None)
    if answer is None:
        return
    names = ("server", "x-powered-by", "x-content-type-options")
    for name in (*names, "strict-transport-security") if answers.beside_tls else names:
        value = answer.headers.get(name, "")
        age = re.search(r"max-age\s*=\s*\"?(\d+)", value, re.IGNORECASE)
        yield {
            "header": name,
            "value": value[:100],
            "number": int(age[1][:12]) if age else 0,
            "tells_version": bool(re.search(r"/?\d+\.\d+", value)),
        }


def _access(answers: Answers, allowed: Allowed, gaps: list[Gap]) -> Iterator[_Row]:
    right = answers.asked.get("access/right")
    a_page = right is not None and _is_page_for_all(answers, right)
    works = answers.call_works and not a_page
    if not works and "access/right" not in answers.missing:
        why = f"the call with the credential answers {right.status}" if right else "no credential"
        if a_page:
            why = "the call with the credential gets the page that every path answers with"
        detail = f"{why}: who is let in cannot be known ({answers.call}; see `call:`)"
        gaps.append(Gap(GapReason.FORBIDDEN, "access/", detail))
    for identity in ("anonymous", "wrong"):
        answer = answers.asked.get(f"access/{identity}")
        if answer is None or answer.status >= 500:
            continue
        let_in = 200 <= answer.status < 300 and not _is_page_for_all(answers, answer)
        known = let_in or works or answer.status in _REFUSED
        if known:
            yield {
                "identity": identity,
                "call": answers.call,
                "status": answer.status,
                "let_in": let_in and not allowed.public,
            }


def _is_page_for_all(answers: Answers, answer: Answer) -> bool:
    """Whether it is a login page, or one that an application has for whatever path."""
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return False
    path = answers.call.partition(" ")[2]
    anything = page_of(answers.asked.get(UNKNOWN))
    return anything is not None and page_of(answer, path) == anything


def _doors(answers: Answers, allowed: Allowed) -> Iterator[_Row]:
    anything = page_of(answers.asked.get(UNKNOWN))
    for door in answers.doors:
        name = f"{door.method} {door.path}"
        answer = answers.asked.get(f"door/{name}")
        if answer is None or answer.status >= 500:
            continue
        yield {
            "what": door.what,
            "door": name,
            "status": answer.status,
            "open": _is_open(door, answer, anything) and door.path not in allowed.paths,
        }


def _is_open(door: Door, answer: Answer, anything: str | None) -> bool:
    if not 200 <= answer.status < 300 or door.mark not in answer.body:
        return False
    if door.what == "file" and answer.body.lstrip().startswith("<"):
        return False  # a page
    # One page for all paths, as single-page applications have it, opens nothing.
    return anything is None or page_of(answer, door.path) != anything


def _cors(answers: Answers, allowed: Allowed) -> Iterator[_Row]:
    for question, answer in answers.asked.items():
        aspect, _, origin = question.partition("/")
        if aspect not in ("cors", "cors-get") or answer.status >= 500:
            continue
        granted = answer.headers.get("access-control-allow-origin", "").strip()
        echoed = granted == origin if origin else granted.endswith(".invalid")
        names = "*" if granted == "*" else "any" if echoed else ""
        origin = origin or "on GET"
        credentials = answer.headers.get("access-control-allow-credentials", "").lower() == "true"
        yield {
            "origin": origin,
            "call": answers.call,
            "allowed": "" if "*" in allowed.origins or origin in allowed.origins else names,
            "with_credentials": credentials and names == "any",
        }


def _errors(answers: Answers) -> Iterator[_Row]:
    for question, answer in answers.asked.items():
        aspect, _, case = question.partition("/")
        if aspect == "errors" or question == UNKNOWN:
            yield {
                "case": case or question,
                "status": answer.status,
                "shows": leak(answer.body),
            }


def _probes(answers: Answers, gaps: list[Gap]) -> Iterator[_Row]:
    for question, answer in answers.asked.items():
        aspect, _, name = question.partition("/")
        if aspect != "probe" or answer.status >= 500:
            continue
        fell = probes.fell_for(name, answers.planted.get(name, ""), answer)
        if fell is None:
            detail = f"the prompt got no answer of a model (status {answer.status})"
            gaps.append(Gap(GapReason.FORBIDDEN, question, detail))
        else:
            yield {"probe": name, "fell_for": fell}


def _tls(
    answers: Answers,
    result: Mapping[str, Any],
    now: datetime,
    rows: dict[str, list[_Row]],
    gaps: list[Gap],
) -> None:
    def part(name: str, resource: str) -> Mapping[str, Any] | None:
        found = tls.done(result, name)
        if found is None:
            gaps.append(Gap(GapReason.NOT_REPORTED, resource, f"sslyze did not complete {name}"))
        return found

    for name, version in tls.VERSIONS.items():
        if found := part(name, f"tls/version/{version}"):
            accepted = bool(found["is_tls_version_supported"])
            rows["tls_versions"].append({"version": version, "accepted": accepted})
            if accepted:
                rows["tls_ciphers"] += tls.weak_ciphers(found, version)
        else:
            gaps.append(Gap(GapReason.NOT_REPORTED, f"tls/cipher/{version}/"))
    for name, (flaw, field, bad) in tls.FLAWS.items():
        if found := part(name, f"tls/flaw/{flaw}"):
            vulnerable = found[field] in (bad if isinstance(bad, tuple) else (bad,))
            rows["tls_flaws"].append({"flaw": flaw, "vulnerable": vulnerable})
    if found := part("certificate_info", "tls/certificate/"):
        rows["certificates"] += tls.certificates(found, answers.host, now)
