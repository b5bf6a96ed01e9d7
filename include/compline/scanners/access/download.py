"""What a line of an access log says, once its format is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ANONYMOUS = "anonymous"
"""The principal of those who did not say who they are."""


class Malformed(Exception):
    """The line is not what its format says; its text is told nowhere."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a server has answered."""

    at: datetime
    """With its zone."""
    user: str
    """As the server knows it; empty for nobody, and where the log cannot tell."""
    address: str
    method: str
    path: str
    """Decoded, without its query."""
    query: str
    """Raw: it may hold a signature, and is only looked into."""
    status: int
    bytes: int | None
    """That were sent; None where the log does not tell."""
    names_user: bool = True
    """Whether a line of this kind names the user at all."""


@dataclass(frozen=True, slots=True)
class Download:
    """A model, or a part of it, that somebody got."""

    at: datetime
    principal: str
    network: str
    """Where the request came from, as far as it may be kept."""
    model: str
    version: str
    bytes: int | None
