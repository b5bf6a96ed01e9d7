"""Turns a Redis server's answers into the frames that its suite speaks of. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.stores import attested, certificate
from compline.scanners.stores.redis.client import UNKNOWN, Answers
from compline.scanners.stores.redis.users import COLUMNS as USER_COLUMNS
from compline.scanners.stores.redis.users import user_rows

_LISTENING = ("setting", "value", "fit", "reach")
_CONNECTION = ("transport", "user", "version")
_EVERYWHERE = frozenset({"*", "::*", "0.0.0.0", "::"})  # noqa: S104 - what others bind
_OLD = frozenset({"TLSv1", "TLSv1.1"})


def inventory_of(answers: Answers, values: Mapping[str, Any], now: datetime) -> Inventory:
    """The inventory.

    Args:
        answers: the server's.
        values: the suite's parameters as the policy binds them.
        now: when certificates and attestations are judged.

    Raises:
        CannotCollect: an answer is shaped otherwise than asked for.
    """
    refused: dict[str, Gap] = {}
    frames = {}
    try:
        if answers.settings is None:
            refused["settings"] = _gap(
                "setting/", answers.refused.get("settings", ""), "config|get"
            )
        else:
            frames["settings"] = frame_of(_LISTENING, _settings(answers.settings))
        if answers.users is None:
            hint = "acl|list and +acl|cat"
            refused["users"] = _gap("user/", answers.refused.get("users", ""), hint)
        else:
            asked = values.get("dangerous_commands") or ()
            rows = user_rows(answers.users, answers.categories, asked)
            frames["users"] = frame_of(USER_COLUMNS, rows)
        shown = certificate.certificates(answers.handshakes, now)
    except (ValueError, TypeError, KeyError) as error:
        raise CannotCollect("Redis's answers are not understood") from error
    frames["certificates"] = frame_of(certificate.COLUMNS, shown)
    frames["attestations"] = frame_of(attested.COLUMNS, attested.attestations(values, now))
    frames["connection"] = frame_of(
        _CONNECTION,
        [
            {
                "transport": answers.our_end,
                "user": answers.who or "?",
                "version": answers.info.get("redis_version", ""),
            }
        ],
    )
    gaps = tuple(
        Gap(GapReason.NOT_REPORTED, "certificate/", handshake.error)
        for handshake in answers.handshakes
        if handshake.error
    )
    return Inventory(frames, refused, gaps)


def _settings(settings: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One row per setting that can be wrong; what an older server does not know has none."""
    reach = _reach(settings.get("bind", ""))
    fit = {
        "bind": reach != "all",
        "tls-port": settings.get("tls-port", "0") not in ("0", ""),
        "port": settings.get("port") == "0",
        "protected-mode": settings.get("protected-mode") == "yes",
        "tls-protocols": not _OLD & set(settings.get("tls-protocols", "").strip('"').split()),
        "enable-debug-command": settings.get("enable-debug-command") == "no",
        "enable-module-command": settings.get("enable-module-command") == "no",
    }
    for name, value in sorted(settings.items()):
        if name in fit:
            yield {"setting": name, "value": value, "fit": fit[name], "reach": reach}
    if "tls-port" not in settings:
        # A server built without TLS does not know the setting.
        yield {"setting": "tls-port", "value": "0", "fit": False, "reach": reach}


def _reach(bind: str) -> str:
    """How far the addresses reach that the server listens on: `loopback`, `network` or `all`."""
    addresses = [word.lstrip("-") for word in bind.strip('"').split()]
    if not addresses or _EVERYWHERE & set(addresses):
        return "all"
    return "loopback" if all(map(_loopback, addresses)) else "network"


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _gap(place: str, reason: str, command: str) -> Gap:
    if reason.lower().startswith(UNKNOWN):
        return Gap(GapReason.UNSUPPORTED, place, f"the server does not have it: {reason}")
    return Gap(GapReason.FORBIDDEN, place, f"{reason}; ACL SETUSER ... +{command}")
