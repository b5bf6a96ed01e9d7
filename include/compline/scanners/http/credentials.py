"""How a service is told who asks."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from compline.scanners.http.answers import NoAnswer


class Bearer(httpx.Auth):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        """Keeps the token.

        Raises:
            NoAnswer: it cannot stand in a header.
        """
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise NoAnswer("the configured token is empty, or has a space, a line end or the like")
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends it with the request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def basic(credential: str, what: str) -> httpx.BasicAuth:
    """A login of the form user:password.

    Args:
        credential: the login.
        what: whose it is, for people.

    Raises:
        NoAnswer: it is not of that form.
    """
    user, _, password = credential.partition(":")
    if not user or not password:
        raise NoAnswer(f"{what}'s credential must be of the form user:password")
    return httpx.BasicAuth(user, password)
