"""What may be scanned by hand besides the listed targets, and how a form becomes a request."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from compline.config.schema import AdHoc, Config
from compline.model import Severity
from compline.pipeline.request import BadRequest, Request, select_scanners, select_targets
from compline.source.address import is_public

Resolve = Callable[[str], list[str]]
_KEYS = {"targets", "other", "revision", "scanners", "fail_at", "fresh"}


def request_from_form(config: Config, form: Mapping[str, Any]) -> Request:
    """The trigger form's values as a request, validated again here on the server.

    Airflow accepts keys that the form does not have, so unknown ones are refused.

    Raises:
        BadRequest: with the reason, for the person who triggered.
    """
    unknown = sorted(set(form) - _KEYS)
    if unknown:
        raise BadRequest(
            f"unknown field {', '.join(unknown)}; there are {', '.join(sorted(_KEYS))}"
        )
    other = _text(form, "other")
    targets = _words(form, "targets")
    if other and targets:
        raise BadRequest("give either listed targets or another repository or image, not both")
    try:
        fail_at = Severity(form.get("fail_at") or config.execution.fail_at)
    except ValueError:
        raise BadRequest(f"fail_at must be one of {', '.join(Severity)}") from None
    if other:
        check_allowed(config.adhoc, other)
    request = Request(
        targets=targets,
        scanners=_words(form, "scanners"),
        other=other,
        revision=_text(form, "revision"),
        fail_at=fail_at,
        fresh=form.get("fresh") is True,
    )
    select_targets(config, request)
    select_scanners(config, request)
    return request


def check_allowed(rules: AdHoc, locator: str, resolve: Resolve | None = None) -> None:
    """Whether an address that nobody listed may be scanned.

    It must match a pattern of `adhoc.allow`, hold no credential, and its host must not resolve to
    an address inside (loopback, private, link-local, metadata services) unless the host is in
    `adhoc.private_hosts`.

    Raises:
        BadRequest: it may not; the message says which setting would allow it.
    """
    if any(c.isspace() or ord(c) < 32 for c in locator) or locator.startswith("-"):
        raise BadRequest("not an address: it holds white space or begins with a dash")
    if not any(_matches(locator, pattern) for pattern in rules.allow):
        raise BadRequest(f"{locator} matches no pattern of `adhoc.allow` in compline.yaml")
    try:
        parts = urlsplit(locator if "://" in locator else f"docker://{locator}")
        port = parts.port
    except ValueError as error:
        raise BadRequest(f"not an address: {error}") from None
    if parts.scheme == "file":
        return
    if parts.password or (parts.username and parts.scheme != "ssh"):
        raise BadRequest("an ad hoc address must not hold a credential")
    # Docker's rule: the first part is a host only if it looks like one.
    host = parts.hostname or ""
    if parts.scheme == "docker" and "." not in host and host != "localhost" and not port:
        host = "docker.io"
    if host in rules.private_hosts:
        return
    for address in (resolve or _addresses)(host):
        if not is_public(address):
            raise BadRequest(
                f"{host} is at the private address {address}; "
                "list the host under `adhoc.private_hosts` to allow it"
            )


def _matches(locator: str, pattern: str) -> bool:
    """Part by part, so that a `*` for the host cannot reach into the path of another host.

    Files of the worker itself match only a pattern that begins with `file://`.
    """
    scheme, _, rest = locator.rpartition("://")
    wanted_scheme, _, wanted = pattern.rpartition("://")
    if pattern == "*":
        wanted_scheme = "*"
    if scheme == "file" and wanted_scheme != "file":
        return False
    host, _, path = rest.partition("/")
    wanted_host, slash, wanted_path = wanted.partition("/")
    if not slash and wanted_host.endswith("*"):
        wanted_path = "*"
    return (
        fnmatchcase(scheme, wanted_scheme)
        and fnmatchcase(host, wanted_host)
        and fnmatchcase(path, wanted_path)
    )


def _addresses(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadRequest(f"{host} cannot be resolved: {error}") from error
    return [str(entry[4][0]).split("%", maxsplit=1)[0] for entry in found]


def _text(form: Mapping[str, Any], key: str) -> str:
    value = form.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{key} must be text")
    value = value.strip()
    if key == "revision" and (value.startswith("-") or any(c.isspace() for c in value)):
        raise BadRequest("revision must be a branch, a tag or a commit")
    return value


def _words(form: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = form.get(key) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise BadRequest(f"{key} must be a list of names")
    return tuple(value)
