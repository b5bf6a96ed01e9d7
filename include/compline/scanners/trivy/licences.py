"""Which licence expressions a policy forbids."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"\(|\)|[^\s()]+")


class LicencePolicy:
    """SPDX ids that are not accepted; `AGPL-3.0` stands for its -only and -or-later too."""

    def __init__(self, forbidden: Iterable[str]) -> None:
        self._forbidden = {_family(each) for each in forbidden}

    def forbids(self, expression: str) -> bool:
        """Whether no way to comply with the expression is left.

        `A OR B` leaves the choice, `A AND B` does not. What is not an SPDX expression is taken as
        the name of one licence.
        """
        tokens = _TOKEN.findall(expression)
        if not {"AND", "OR", "WITH", "("} & {token.upper() for token in tokens}:
            return _family(expression) in self._forbidden
        forbidden, rest = self._any_of(tokens)
        return forbidden and not rest

    def _any_of(self, tokens: list[str]) -> tuple[bool, list[str]]:
        forbidden, tokens = self._all_of(tokens)
        while tokens and tokens[0].upper() == "OR":
            other, tokens = self._all_of(tokens[1:])
            forbidden = forbidden and other
        return forbidden, tokens

    def _all_of(self, tokens: list[str]) -> tuple[bool, list[str]]:
        forbidden, tokens = self._one(tokens)
        while tokens and tokens[0].upper() in ("AND", "WITH"):
            # An exception (WITH) adds permissions; it forbids nothing by itself.
            is_exception = tokens[0].upper() == "WITH"
            other, tokens = self._one(tokens[1:])
            forbidden = forbidden or (other and not is_exception)
        return forbidden, tokens

    def _one(self, tokens: list[str]) -> tuple[bool, list[str]]:
        if not tokens:
            return False, []
        if tokens[0] == "(":
            forbidden, rest = self._any_of(tokens[1:])
            return forbidden, rest[1:]
        return _family(tokens[0]) in self._forbidden, tokens[1:]


def _family(licence: str) -> str:
    return re.sub(r"(-only|-or-later|\+)$", "", licence.strip().lower())
