"""Lines of access logs: one parser per format.

- S3 server access logs: "Amazon S3 server access log format" in the user guide of Amazon S3.
- Combined Log Format: the documentation of Apache's mod_log_config, and nginx's predefined
  `combined`; servers write a quote within a field as `\\"` or `\\x22`.
- MLflow: its `uvicorn_log_config.yaml` (no user, no bytes, the server's local time), and gunicorn's
  default access log, which is the Combined Log Format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from posixpath import normpath
from urllib.parse import unquote

from compline.scanners.access.download import Malformed, Request

Parser = Callable[[str], Request | None]
"""Gives None for a line that is well formed and no request; raises `Malformed`."""

_MONTHS = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)  # noqa: SIM905
}
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_COMBINED = re.compile(
    rf'(\S+) \S+ ((?:[^"\\]|\\.)*) \[([^\]]*)\] {_QUOTED} (\d{{3}}) (\d+|-)'
    rf"(?: {_QUOTED} {_QUOTED}(.*))?"
)
_LAST_QUOTED = re.compile(rf".* {_QUOTED}")
_S3 = re.compile(r"(\S+) (\S+) \[([^\]]*)\] (\S+) (\S+) (\S+) ([A-Z0-9]+\.[A-Z0-9_.]+) (\S+) (.*)")
_S3_ANSWER = re.compile(r'(?=[ "] (\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) ["-])')
_S3_DOWNLOADS = frozenset(
    {
        "REST.GET.OBJECT",
        "REST.COPY.OBJECT_GET",
        "REST.COPY.PART_GET",
        "WEBSITE.GET.OBJECT",
    }
)
"""A server-side copy reads as well, and sends nothing."""
_UVICORN = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) [A-Z]+: +(\S+):\d+ - "
    r'"([A-Z]+) (\S+) HTTP/[0-9.]+" (\d{3})(?: .*)?'
)
_REQUEST = re.compile(r'"[A-Z]+ \S+ HTTP/[0-9.]+"')


def parser(name: str, zone: tzinfo, *, forwarded: bool = False) -> Parser:
    """The parser of a format.

    Args:
        name: combined, s3 or mlflow.
        zone: of times that name none.
        forwarded: whether the last quoted field of a combined line is X-Forwarded-For.
    """
    if name == "s3":
        return _s3
    if name == "mlflow":
        return lambda line: _mlflow(line, zone)
    return lambda line: _combined(line, forwarded=forwarded)


def _combined(line: str, *, forwarded: bool) -> Request:
    match = _COMBINED.fullmatch(line)
    if match is None:
        raise Malformed
    address, user, at, request, status, size, _referer, _agent, rest = match.groups()
    if forwarded:
        last = _LAST_QUOTED.fullmatch(rest or "")
        if last is None:
            raise Malformed
        address = last[1].rpartition(",")[2].strip() or address
    method, path, query = _request(request)
    user = user.strip()
    return Request(
        _moment(at),
        "" if user in ("-", '""') else user,
        address,
        method,
        path,
        query,
        int(status),
        0 if size == "-" else int(size),
    )


def _s3(line: str) -> Request | None:
    match = _S3.fullmatch(line)
    if match is None:
        raise Malformed
    _owner, bucket, at, address, requester, _id, operation, key, rest = match.groups()
    moment = _moment(at)
    # S3 quotes what the client sent as it came, so a client can write an answer of its own into the
    # line: of several, the one counts that is a download, so that nobody can hide one.
    answers = [_answer(one) for one in _S3_ANSWER.finditer(" " + rest)]
    if not answers:
        raise Malformed
    if operation not in _S3_DOWNLOADS:
        return None
    status, size = max(answers, key=lambda one: (one[0] in (200, 206), one))
    _, _, query = _request(rest[1:].partition('"')[0])
    # Keys are encoded once more than requests are.
    path = f"/{bucket}/{unquote(unquote(key))}"
    user = "" if requester == "-" else requester
    return Request(moment, user, address, "GET", path, query, status, size)


def _answer(match: re.Match[str]) -> tuple[int, int]:
    """Status and bytes; a copy within S3 sends none, and then the object's size counts."""
    status, _error, sent, size = match.group(1, 2, 3, 4)
    given = sent if sent != "-" else size
    return (0 if status == "-" else int(status)), (0 if given == "-" else int(given))


def _mlflow(line: str, zone: tzinfo) -> Request | None:
    match = _UVICORN.fullmatch(line)
    if match is None:
        if not _REQUEST.search(line):
            return None  # whatever else the server says
        request = _combined(line, forwarded=False)
        # gunicorn writes 0 for a file that it streams.
        return request if request.bytes else replace(request, bytes=None)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    address, method, target, status = match.groups()[6:]
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        raise Malformed from None
    path, query = _target(target)
    return Request(at, "", address, method, path, query, int(status), None, names_user=False)


def _request(text: str) -> tuple[str, str, str]:
    """Method, decoded path and raw query; all empty for what is no request (a TLS hello, ...)."""
    parts = text.split(" ")
    if len(parts) not in (2, 3):
        return "", "", ""
    path, query = _target(parts[1])
    return parts[0], path, query


def _target(text: str) -> tuple[str, str]:
    """Path, as servers resolve it (`//`, `.` and `..` are no other model), and raw query."""
    path, _, query = text.partition("?")
    if "://" in path[:9]:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    return "/" + normpath("/" + unquote(path)).lstrip("/"), query


def _moment(text: str) -> datetime:
    match = _TIME.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise Malformed
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    try:
        return datetime(
            int(year),
            _MONTHS[month],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),  # a leap second
            tzinfo=_offset(sign, int(hours), int(minutes)),
        )
    except ValueError:
        raise Malformed from None


@lru_cache(maxsize=256)
def _offset(sign: str, hours: int, minutes: int) -> timezone:
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if sign == "-" else delta)
