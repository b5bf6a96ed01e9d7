"""Asks a Redis server, reading only and within a time limit, for what its inventory is made of.

What the account needs; it can neither read a key nor change anything:

    ACL SETUSER compline on >PASSWORD resetkeys resetchannels -@all
        +ping +info +acl|whoami +acl|list +acl|cat +config|get

`CONFIG GET` would also show `requirepass` and `masterauth` to whoever has this password; neither is
asked for. Without `+config|get` the settings are a gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line
from compline.scanners.stores.redis.users import categories_of
from compline.scanners.stores.tls import Handshake, shake_hands

SETTINGS = (
    "bind", "enable-debug-command", "enable-module-command", "port", "protected-mode", "save",
    "appendonly", "tls-port", "tls-protocols",
)  # fmt: skip
"""All that is asked; older servers do not know some of them."""

UNKNOWN = "unknown command"
"""How a server begins its answer to a command that it does not have."""


@dataclass(frozen=True)
class Answers:
    """What a server said; None where it would not say."""

    settings: Mapping[str, str] | None
    users: tuple[str, ...] | None
    """The rules of ACL LIST, without the hashes of passwords."""
    categories: Mapping[str, tuple[str, ...]]
    """The commands of each category that the rules speak of."""
    info: Mapping[str, str]
    our_end: str
    """`tls`, `socket` or `plain`."""
    who: str
    handshakes: tuple[Handshake, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def ask(url: str, seconds: float) -> Answers:
    """Connects and asks; some 20 commands, whatever the server holds.

    Raises:
        CannotCollect: no connection, no login, a time-out, an answer that is none.
    """
    parts = _parts(url)
    deadline = time.monotonic() + seconds
    hidden = [word for word in (parts.password,) if word]
    try:
        client = redis.Redis.from_url(
            url.strip(),
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=True,
            # It would introduce itself by CLIENT SETINFO, which the account may not.
            driver_info=None,
        )
        with client:
            answers = _ask_all(client, deadline, parts.scheme)
    except redis.TimeoutError:
        raise CannotCollect(_too_late(seconds)) from None
    except (redis.RedisError, OSError, ValueError, UnicodeError) as error:
        raise CannotCollect(f"Redis: {_told(error, hidden)}") from None
    if parts.scheme == "rediss" and parts.hostname:
        left = max(0.5, deadline - time.monotonic())
        shown = shake_hands(parts.hostname, parts.port or 6379, parts.hostname, left)
        answers = Answers(**{**vars(answers), "handshakes": (shown,)})
    return answers


def _ask_all(client: redis.Redis, deadline: float, scheme: str) -> Answers:
    refused: dict[str, str] = {}

    def say(*words: str) -> Any:
        if time.monotonic() >= deadline:
            raise redis.TimeoutError
        return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def may(name: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except redis.exceptions.NoPermissionError as error:
            refused[name] = _told(error, ())
        except redis.ResponseError as error:
            # Of managed servers nobody may call CONFIG, of those before version 6 there is no ACL.
            if not str(error).lower().startswith(UNKNOWN):
                raise
            refused[name] = _told(error, ())
        return None

    who = may("whoami", lambda: say("ACL", "WHOAMI"))
    info = may("info", lambda: say("INFO", "server"))
    settings = may(
        "settings",
        lambda: {
            str(name): str(value)
            for wanted in SETTINGS
            for name, value in dict(say("CONFIG", "GET", wanted)).items()
        },
    )
    rules = may("users", lambda: say("ACL", "LIST"))
    users: tuple[str, ...] | None = None
    categories: dict[str, tuple[str, ...]] = {}
    if rules is not None:
        if not isinstance(rules, list) or not rules:
            raise CannotCollect("Redis says that it has no user at all, not even `default`")
        named = tuple(_without_hashes(str(rule)) for rule in rules)
        listed = may(
            "users",
            lambda: {
                name: tuple(map(str, say("ACL", "CAT", name))) for name in categories_of(named)
            },
        )
        if listed is not None:
            users, categories = named, listed
    end = {"rediss": "tls", "unix": "socket"}.get(scheme, "plain")
    known = {str(k): str(v) for k, v in dict(info or {}).items() if k == "redis_version"}
    return Answers(settings, users, categories, known, end, str(who or ""), refused=refused)


def _without_hashes(rule: str) -> str:
    """The rule with each password as `#`; SHA-256 of a short one is as good as itself."""
    return " ".join("#" if word.startswith("#") else word for word in rule.split())


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url.strip())
        wrong = parts.scheme not in ("redis", "rediss", "unix") or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise CannotCollect(
            "the connection URL is not of the form rediss://user:password@host:port "
            "(special letters in the password must be percent-encoded)"
        )
    return parts


def _too_late(seconds: float) -> str:
    return f"the server did not answer within {seconds:g} s (scanners.data-expectations.seconds)"


def _told(error: Exception, hidden: Any) -> str:
    text = str(error)
    for secret in hidden:
        text = text.replace(secret, "***")
    return one_line(text) or type(error).__name__
