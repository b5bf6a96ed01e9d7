"""What a deployment's options say of its safety: values go in, words for a frame come out. Pure.

No value leaves this module but names of classes and schemes: among the options are secrets.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Options = Mapping[tuple[str, str], str]
"""Section and option to the value; what could not be seen is missing."""

_KNOWN_SECRETS = frozenset(
    {
        "46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=",
        "81HqDtbqAywKSOumSha3BhWNOdQ26slT6K0YaZeZyPs=",
        "airflow_jwt_secret",
        "temporary_key",
    }
)
"""Published in examples that are widely copied (compose files, guides)."""
_WORDS = ("secret", "changeme", "change-me", "change_me", "password", "airflow", "default", "test")
_LEAST_LETTERS = 32
"""Of a signing key: RFC 7518 section 3.2 wants 256 bits for HS256, a letter has at most eight."""
_LEAST_VARIETY = 10
"""Different letters in a random key of that length; fewer are a pattern."""
_SECONDS_PER_HOUR = 3600
_ENCRYPTING = ("gs", "wasb", "abfs", "abfss", "az", "cloudwatch", "stackdriver")
"""Schemes of remote logs at services that encrypt everything at rest."""


@dataclass(frozen=True)
class Item:
    """One question to the options."""

    name: str
    needs: tuple[tuple[str, str], ...]
    """Options without which it cannot be answered."""
    judge: Callable[[Options], tuple[str, str]]
    """State and detail; an empty state where it cannot be told."""
    more: tuple[tuple[str, str], ...] = ()
    """Options that play a part where they are seen."""


def key_state(value: str) -> str:
    """What is wrong with a signing key: `none`, `known`, `short`, or `set` if nothing is."""
    if not value:
        return "none"
    if value in _KNOWN_SECRETS:
        return "known"
    lowered = value.lower()
    if len(value) < _LEAST_LETTERS or len(set(value)) < _LEAST_VARIETY:
        return "short"
    if any(lowered == word * (len(value) // len(word)) for word in _WORDS):
        return "short"
    return "set"


def fernet_state(value: str) -> str:
    """What is wrong with the Fernet keys: `none`, `known`, `invalid`, or `set` if nothing is."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    if not keys:
        return "none"
    if any(key in _KNOWN_SECRETS for key in keys):
        return "known"
    for key in keys:
        try:
            decoded = base64.urlsafe_b64decode(key.encode())
        except (binascii.Error, ValueError):
            return "invalid"
        if len(decoded) != 32 or len(set(decoded)) < _LEAST_VARIETY:
            return "invalid"
    return "set"


def truth(value: str) -> bool:
    """An option as Airflow reads a boolean."""
    return value.strip().lower() in ("t", "true", "1")


def _flag(section: str, option: str, yes: str, no: str) -> Callable[[Options], tuple[str, str]]:
    def judge(options: Options) -> tuple[str, str]:
        return (yes if truth(options[section, option]) else no), f"[{section}] {option}"

    return judge


def authentication(options: Options) -> tuple[str, str]:
    """Which authentication manager there is."""
    name = options.get(("core", "auth_manager"), "").rpartition(".")[2]
    known = {"SimpleAuthManager": "simple", "FabAuthManager": "fab"}
    return known.get(name, "other"), name


def _anonymous(options: Options) -> tuple[str, str]:
    manager = authentication(options)[0]
    everybody = options.get(("core", "simple_auth_manager_all_admins"))
    if manager == "simple" and everybody is not None:
        state = "open" if truth(everybody) else "refused"
        return state, "[core] simple_auth_manager_all_admins"
    if manager == "fab" and options.get(PUBLIC_ROLE):
        return "role", "[fab] auth_role_public"
    # FAB's webserver_config.py may name a role as well, and other managers have ways of their own.
    return "", ""


def _login_limit(options: Options) -> tuple[str, str]:
    manager, limited = authentication(options)[0], options.get(("fab", "auth_rate_limited"))
    if manager == "fab":
        state = "" if limited is None else "limited" if truth(limited) else "unlimited"
        return state, "[fab] auth_rate_limited"
    return ("none" if manager == "simple" else ""), manager


def _jwt(options: Options) -> tuple[str, str]:
    if options.get(("api_auth", "jwt_private_key_path")):
        return "set", "a private key"
    if ("api_auth", "jwt_secret") not in options:
        return "", ""
    return key_state(options["api_auth", "jwt_secret"]), "[api_auth] jwt_secret"


def _exposed(options: Options) -> tuple[str, str]:
    value = options["api", "expose_config"].strip().lower()
    shown = truth(value) or value == "non-sensitive-only"
    return ("shown" if shown else "closed"), "[api] expose_config"


def _backend(options: Options) -> tuple[str, str]:
    value = options["secrets", "backend"]
    return ("set" if value else "none"), value.rpartition(".")[2]


def _origins(options: Options) -> tuple[str, str]:
    origins = options["api", "access_control_allow_origins"].replace(",", " ").split()
    return ("everybody" if "*" in origins else "limited"), " ".join(origins)


def _tests(options: Options) -> tuple[str, str]:
    value = options["core", "test_connection"].strip().lower()
    return ("allowed" if value == "enabled" else "refused"), value


def _deserialization(options: Options) -> tuple[str, str]:
    globs = options["core", "allowed_deserialization_classes"].split()
    patterns = options.get(("core", "allowed_deserialization_classes_regexp"), "").split()
    wide = {"*", "*.*", "**"} & set(globs) or {".*", ".+", r"^.*$"} & set(patterns)
    return ("everything" if wide else "limited"), " ".join([*globs, *patterns])


def _remote_logs(options: Options) -> tuple[str, str]:
    if not truth(options["logging", "remote_logging"]):
        return "local", "[logging] remote_logging"
    folder = options.get(("logging", "remote_base_log_folder"), "")
    scheme = folder.partition("://")[0] if "://" in folder else ""
    if scheme == "s3":
        encrypted = truth(options.get(("logging", "encrypt_s3_logs"), ""))
        return ("encrypted" if encrypted else "not-asked-for"), scheme
    if scheme == "http":
        return "in-the-clear", scheme
    return ("encrypted", scheme) if scheme in _ENCRYPTING else ("", scheme)


def _transport(options: Options) -> tuple[str, str]:
    url = options.get(("api", "base_url"), "")
    if options.get(("api", "ssl_cert")) or url.startswith("https://"):
        return "tls", "[api] base_url, ssl_cert"
    if not url:
        return "", ""
    return ("loopback" if is_loopback(url) else "plain"), "[api] base_url"


def is_loopback(url: str) -> bool:
    """Whether an address never leaves the machine."""
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return host in ("localhost", "127.0.0.1", "[::1]", "::1") or host.startswith("127.")


def session_hours(options: Options) -> float | None:
    """How long a login counts; None where it cannot be told.

    With FAB a session of a browser ends `session_lifetime_minutes` after the last click, and at
    `session_max_lifetime_minutes` in any case where that is not 0.
    """
    try:
        hours = int(options["api_auth", "jwt_expiration_time"]) / _SECONDS_PER_HOUR
        if authentication(options)[0] == "fab":
            idle = int(options["fab", "session_lifetime_minutes"])
            most = int(options.get(("fab", "session_max_lifetime_minutes")) or 0)
            hours = max(hours, (min(idle, most) if most else idle) / 60)
    except (KeyError, ValueError):
        return None
    return hours


_MANAGER = ("core", "auth_manager")
PUBLIC_ROLE = ("fab", "auth_role_public")
"""Names the role of FAB that strangers have; empty: none."""
ITEMS: tuple[Item, ...] = (
    Item("authentication", (_MANAGER,), authentication),
    Item(
        "anonymous",
        (_MANAGER,),
        _anonymous,
        (("core", "simple_auth_manager_all_admins"), PUBLIC_ROLE),
    ),
    Item("login_limit", (_MANAGER,), _login_limit, (("fab", "auth_rate_limited"),)),
    Item(
        "fernet_key",
        (("core", "fernet_key"),),
        lambda options: (fernet_state(options["core", "fernet_key"]), "[core] fernet_key"),
    ),
    Item(
        "jwt_secret",
        (),
        _jwt,
        (("api_auth", "jwt_secret"), ("api_auth", "jwt_private_key_path")),
    ),
    Item(
        "api_secret_key",
        (("api", "secret_key"),),
        lambda options: (key_state(options["api", "secret_key"]), "[api] secret_key"),
    ),
    Item("expose_config", (("api", "expose_config"),), _exposed),
    Item(
        "stack_traces",
        (("api", "expose_stacktrace"),),
        _flag("api", "expose_stacktrace", "shown", "hidden"),
    ),
    Item(
        "examples",
        (("core", "load_examples"),),
        _flag("core", "load_examples", "loaded", "none"),
    ),
    Item("secrets_backend", (("secrets", "backend"),), _backend),
    Item(
        "masking",
        (("core", "hide_sensitive_var_conn_fields"),),
        _flag("core", "hide_sensitive_var_conn_fields", "on", "off"),
    ),
    Item("transport", (), _transport, (("api", "base_url"), ("api", "ssl_cert"))),
    Item("origins", (("api", "access_control_allow_origins"),), _origins),
    Item("connection_tests", (("core", "test_connection"),), _tests),
    Item(
        "deserialization",
        (("core", "allowed_deserialization_classes"),),
        _deserialization,
        (("core", "allowed_deserialization_classes_regexp"),),
    ),
    Item(
        "remote_logs",
        (("logging", "remote_logging"),),
        _remote_logs,
        (("logging", "remote_base_log_folder"), ("logging", "encrypt_s3_logs")),
    ),
)
SESSION = "session_lifetime"
"""The item whose state depends on the policy."""
OPTIONS: tuple[tuple[str, str], ...] = tuple(
    dict.fromkeys(
        (
            *(option for item in ITEMS for option in (*item.needs, *item.more)),
            ("api_auth", "jwt_expiration_time"),
            ("fab", "session_lifetime_minutes"),
            ("fab", "session_max_lifetime_minutes"),
            ("core", "simple_auth_manager_users"),
        )
    )
)
"""Every option that is asked for."""


def states(options: Options, longest_session: float) -> dict[str, tuple[str, str]]:
    """Item to state and detail; what cannot be told is missing.

    Args:
        options: as far as they could be seen.
        longest_session: hours that a login may count.
    """
    found = {}
    for item in ITEMS:
        if all(option in options for option in item.needs):
            state, detail = item.judge(options)
            if state:
                found[item.name] = (state, detail)
    hours = session_hours(options)
    if hours is not None:
        state = "long" if hours > longest_session else "short"
        found[SESSION] = (state, f"{hours:g} hours")
    return found
