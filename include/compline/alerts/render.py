"""What an alert says: plain text in which nothing of a scanned repository can act."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compline.findings.regressions import Regression

_WORST = 10
"""Regressions listed one by one; the others are counted."""


def subject(organisation: str, target: str, regressions: Sequence[Regression]) -> str:
    """One line, for instance `[Compline acme] web: 2 new, 1 coverage lost`."""
    counts: dict[str, int] = {}
    for regression in regressions:
        word = regression.kind.value.replace("_", " ")
        counts[word] = counts.get(word, 0) + 1
    what = ", ".join(f"{number} {word}" for word, number in counts.items())
    return f"[Compline {harmless(organisation)}] {harmless(target)}: {what}"


def body(regressions: Sequence[Regression]) -> str:
    """The worst ones a line each, the others as a number."""
    worst = sorted(
        regressions, key=lambda one: (-(one.severity.rank if one.severity else 2), one.subject)
    )
    lines = [_line(regression) for regression in worst[:_WORST]]
    if len(worst) > _WORST:
        lines.append(f"... and {len(worst) - _WORST} more: compline findings --state open")
    return "\n".join(lines)


def harmless(text: str, most: int = 200) -> str:
    """Text without control characters, mentions, links or markup, cut to a length.

    A zero-width space behind `@` and inside `://` keeps chat services from mentioning and linking;
    brackets and backquotes that mark up are replaced by look-alikes.
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", " ", text)
    text = text.replace("@", "@\u200b").replace("://", ":\u200b//")
    text = text.translate(str.maketrans("<>`|*", "‹›'¦∗"))  # noqa: RUF001
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _line(regression: Regression) -> str:
    severity = f" [{regression.severity.value}]" if regression.severity else ""
    kind = regression.kind.value.replace("_", " ")
    detail = f" ({harmless(regression.detail)})" if regression.detail else ""
    return f"- {kind}{severity} {regression.subject}: {harmless(regression.title)}{detail}"
