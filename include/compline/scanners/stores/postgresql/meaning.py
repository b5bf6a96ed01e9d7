"""What a server's settings mean: ciphers that are let in, what is logged, who tries passwords.

Pure. Sources: PostgreSQL's documentation of the settings, and of cipher lists `openssl-ciphers`(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

AUDITING_COLUMNS = ("setting", "value", "does", "enough")
CIPHER_COLUMNS = ("setting", "value", "weak")

_WEAK = frozenset(
    {
        "RC4", "RC2", "DES", "3DES", "NULL", "eNULL", "aNULL", "ADH", "AECDH", "EXP", "EXPORT",
        "EXPORT40", "EXPORT56", "LOW", "MD5", "SEED", "IDEA",
    }
)  # fmt: skip
_NEEDS_REMOVED = {
    "ALL": frozenset({"aNULL", "RC4", "3DES"}),
    "COMPLEMENTOFDEFAULT": frozenset({"aNULL", "RC4", "3DES"}),
    "COMPLEMENTOFALL": frozenset({"eNULL"}),
    "MEDIUM": frozenset({"RC4", "3DES"}),
}
"""Classes that hold weak ciphers unless these are taken out of the list."""

_OFF = frozenset({"", "off", "false", "no", "0", "none"})
_STATEMENTS = frozenset({"ddl", "mod", "all"})
_AUDITED = frozenset({"all", "ddl", "role", "write"})


def weak_ciphers(value: str) -> tuple[str, ...]:
    """The words of an OpenSSL cipher list that let weak ciphers in, sorted."""
    words = [word for word in re.split(r"[:,\s]+", value) if word]
    removed = {word[1:] for word in words if word[0] in "!-"}
    # `+WORD` only changes the order; `@STRENGTH` and its like are commands.
    added = [word for word in words if word[0] not in "!-+@"]
    found = set()
    for word in added:
        parts = set(re.split(r"[-_+]", word))
        if parts & _WEAK and word not in removed:
            found.add(word)
        found |= {part for part in parts if not _NEEDS_REMOVED.get(part, removed) <= removed}
    return tuple(sorted(found))


def ciphers(settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row per list of ciphers that the server shows; version 1.3 has none that are weak."""
    name = "ssl_ciphers"
    if name not in settings:
        return []
    value = settings[name]
    return [{"setting": name, "value": value, "weak": " ".join(weak_ciphers(value))}]


def auditing(
    settings: Mapping[str, str], wanted: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """A row per thing that should be logged or tried, where the server shows its setting.

    Args:
        settings: name to value.
        wanted: `audit` and `passwords`: libraries of which one must be loaded; empty: none.
    """
    rows = []
    if "log_connections" in settings:
        value = settings["log_connections"]
        # Version 18 logs stages; `receipt` alone does not say who it was.
        stages = {stage.strip().lower() for stage in value.split(",")}
        rows.append(_row("log_connections", value, "connections", not stages <= {*_OFF, "receipt"}))
    if "log_statement" in settings:
        value = settings["log_statement"]
        classes = {part.strip().lower() for part in settings.get("pgaudit.log", "").split(",")}
        enough = (
            value in _STATEMENTS
            or settings.get("log_min_duration_statement") == "0"
            or bool(classes & _AUDITED)
        )
        rows.append(_row("log_statement", value, "statements", enough))
    if {"shared_preload_libraries", "session_preload_libraries"} <= set(settings):
        value = ",".join(
            part
            for name in ("shared_preload_libraries", "session_preload_libraries")
            if (part := settings[name])
        )
        loaded = {part.strip().strip('"').rpartition("/")[2] for part in value.split(",")}
        for does, libraries in sorted(wanted.items()):
            enough = not libraries or bool(loaded & set(libraries))
            rows.append(_row("shared_preload_libraries", value, does, enough))
    return rows


def _row(setting: str, value: str, does: str, enough: bool) -> dict[str, Any]:
    return {"setting": setting, "value": value, "does": does, "enough": enough}
