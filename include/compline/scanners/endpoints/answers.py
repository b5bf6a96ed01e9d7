"""The value between asking an endpoint and judging it: what it answered to which question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compline.scanners.endpoints.asking import Answer
from compline.scanners.endpoints.shapes import Door

UNKNOWN = "unknown-path"
HOME = "home"
PLAIN = "plain"
PLAIN_CALL = "plain-call"
CLOSED = Answer(0)
"""In place of an answer where nothing takes connections."""


@dataclass(frozen=True)
class Limits:
    """What many calls in a row came to."""

    calls: int
    seen: bool
    """Whether one was refused with 429, or an answer told of a limit in its headers."""


@dataclass(frozen=True)
class Answers:
    """Everything that an endpoint said, and why it said nothing to the rest."""

    scheme: str
    host: str
    call: str
    """The call that shows who is let in, as `METHOD /path`."""
    asked: Mapping[str, Answer] = field(default_factory=dict)
    """By question: `unknown-path`, `home`, `plain`, `plain-call`, `access/IDENTITY`,
    `door/METHOD /path`, `cors/ORIGIN`, `errors/CASE`, `probe/NAME`."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Question to why there is no answer."""
    doors: tuple[Door, ...] = ()
    limits: Limits | None = None
    tls: Mapping[str, Any] | None = None
    """sslyze's result for the one server; None where there is no TLS, or no result."""
    tls_missing: str = ""
    """Why there is no result, where there should be one."""
    planted: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Probe to the word that its answer must not hold."""

    @property
    def beside_tls(self) -> bool:
        """Whether http was asked for beside TLS, as it is of every https URL."""
        return PLAIN in self.asked or PLAIN in self.missing

    @property
    def call_works(self) -> bool:
        """Whether the call with the right credential was answered as it should."""
        answer = self.asked.get("access/right")
        return answer is not None and 200 <= answer.status < 300


def recorded(document: Mapping[str, Any]) -> Answers:
    """The answers out of plain JSON, as canary and golden files keep them."""
    return Answers(
        scheme=document["scheme"],
        host=document["host"],
        call=document["call"],
        asked={question: Answer(**answer) for question, answer in document["asked"].items()},
        missing=document.get("missing", {}),
        doors=tuple(Door(**door) for door in document["doors"]),
        limits=Limits(**document["limits"]) if document.get("limits") else None,
        tls=document.get("tls"),
        tls_missing=document.get("tls_missing", ""),
        planted=document.get("planted", {}),
    )


_PASSING = re.compile(
    r"/compline-[0-9a-f]+|[0-9a-f]{8,}|\s+"
    # A nonce of the Content-Security-Policy, a token of a form: letters and digits in one word.
    r"|(?<![\w/+-])(?=[a-zA-Z_+/-]*\d)(?=[\d_+/-]*[a-zA-Z])[\w+/-]{12,}=*"
)
"""What differs between two answers with one page."""


def page_of(answer: Answer | None, path: str = "") -> str | None:
    """What is the same in a server's answers to whatever path; None where it says not found."""
    if answer is None or not 200 <= answer.status < 300:
        return None
    body = answer.body.replace(path, "") if path.strip("/") else answer.body
    return _PASSING.sub("", body)
