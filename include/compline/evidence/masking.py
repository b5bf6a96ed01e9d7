"""The one masking pass: nothing goes into the locker but through here.

Reports quote the code around a finding, command lines and environments; answers of services may
hold credentials. Whatever quotes is replaced by a mark (the span and the fingerprints of the code
stand beside it, put there by whoever read the report), and so is what looks like a credential or
is one that this process has resolved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from compline.model import canonical_json

MASKED = "[masked]"

_QUOTING = frozenset(
    """
    Code code Match RenderedCause Highlighted Message message issue_text lines snippet contextRegion
    contents rendered metavars abstract_content fix fixes fixed_lines dataflow_trace
    codeFlows threadFlows stacks graphs webRequest webResponse attachments commandLine arguments
    environmentVariables stdin stdout stderr stdoutStderr responseFiles
    """.split()  # noqa: SIM905 - readable as text
)
"""Fields of the reports that we know in which the scanned files, or the machine, speak."""
_QUOTING_FIELD = re.compile(rf'"(?:{"|".join(sorted(_QUOTING))})"\s*:')
"""Such a field in a document; the word as a value is none."""
_SHORTEST = 6
"""Characters; a shorter secret would tear words apart, and is none."""


class _Pattern:
    """A form of credential, and what surely is in every text that has one."""

    def __init__(self, marks: str, pattern: str, put: str = MASKED) -> None:
        self.marks = tuple(marks.split())
        self._expression = re.compile(pattern)
        self._put = put

    def apply(self, text: str) -> str:
        if not any(mark in text for mark in self.marks):
            return text
        return self._expression.sub(self._put, text)


_PATTERNS = (
    _Pattern(
        "PRIVATE",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]+-----|\Z)",
    ),
    _Pattern("AKIA ASIA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    _Pattern("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[opusr]_[A-Za-z0-9]{20,}"),
    # Letters and digits alone where words with underscores are common: `hf_hub_download_all`.
    _Pattern("github_pat_ glpat-", r"\b(?:github_pat_|glpat-)[\w-]{20,}"),
    _Pattern("npm_ hf_", r"\b(?:npm_|hf_)[A-Za-z0-9]{30,}"),
    _Pattern("xox", r"\bxox[abeprs]-[\w-]{10,}"),
    _Pattern("sk-", r"\bsk-(?:(?:proj|ant|svcacct)-[\w-]{20,}|[A-Za-z0-9]{32,})"),
    _Pattern("sk_ rk_", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _Pattern("AIza", r"\bAIza[\w-]{35}"),
    _Pattern("eyJ", r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    _Pattern("://", r"://[^\s/@:\"']*:[^\s/@\"']+@", f"://{MASKED}@"),
    _Pattern("earer asic", r"(?i)(?<=\bbearer )[\w.~+/=-]{8,}|(?<=\bbasic )[\w+/=-]{8,}"),
    _Pattern(
        "=",
        r"(?i)((?:passw(?:or)?d|secret|token|api_?key)\w*=)[^\s&\"';,]{4,}",
        rf"\g<1>{MASKED}",
    ),
)


class Masking:
    """The pass, with the secrets that this process knows."""

    def __init__(self, secrets: Callable[[], Collection[str]] = tuple) -> None:
        """Args: secrets: gives every secret resolved so far; asked anew each time."""
        self._secrets = secrets

    def document(self, content: bytes) -> bytes:
        """A JSON document masked; the very same bytes where there is nothing to mask.

        What is no JSON is masked as a text.
        """
        text = content.decode("utf-8", "replace")
        known = self._known()
        if not _suspicious(text, known):
            return content
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return _text(text, known).encode()
        return canonical_json(_value(value, known))

    def value(self, value: Any) -> Any:
        """A value of plain JSON, masked as in a document."""
        return _value(value, self._known())

    def _known(self) -> tuple[str, ...]:
        # The longest first: one may be a part of another.
        found = {part for secret in self._secrets() for part in (secret, *secret.split(":", 1))}
        return tuple(sorted((s for s in found if len(s) >= _SHORTEST), key=len, reverse=True))


def _suspicious(text: str, known: Collection[str]) -> bool:
    """Whether a walk through the document could change it; most hold nothing at all."""
    return (
        _QUOTING_FIELD.search(text) is not None
        or any(form in text for secret in known for form in _written(secret))
        # Escapes may hide a mark from a search in the text.
        or "\\u" in text
        or any(pattern.apply(text) != text for pattern in _PATTERNS)
    )


def _written(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


def _value(value: Any, known: Collection[str]) -> Any:
    match value:
        case dict():
            return {
                _text(name, known): _quoted(item) if name in _QUOTING else _value(item, known)
                for name, item in value.items()
            }
        case list():
            return [_value(item, known) for item in value]
        case str():
            return _text(value, known)
        case _:
            return value


def _quoted(value: Any) -> Any:
    """Numbers and nothing tell nothing."""
    return MASKED if isinstance(value, (str, dict, list)) and value else value


def _text(text: str, known: Collection[str]) -> str:
    for secret in known:
        if secret in text:
            text = text.replace(secret, MASKED)
    for pattern in _PATTERNS:
        text = pattern.apply(text)
    return text
