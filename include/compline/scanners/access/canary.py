"""Proves at each scan that known thefts are seen: recorded lines through the same parser and judge.

The lines are those that each server wrote, with other names, days and sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from compline.config.targets.logs import Access
from compline.model import MISSED_CANARY
from compline.scanners.access.download import Malformed
from compline.scanners.access.findings import RULES
from compline.scanners.access.habits import Habits
from compline.scanners.access.judge import judge
from compline.scanners.access.setup import Setup

_LINES = {
    "combined": '192.0.2.7 - {user} [{time}] "GET /models/{model}/3/weights.bin HTTP/1.1" 200 '
    '{bytes} "-" "curl/7.88.1"',
    "s3": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be models [{time}] "
    "192.0.2.7 {user} 3E57427F3EXAMPLE REST.GET.OBJECT {model}/3/weights.bin "
    '"GET /models/{model}/3/weights.bin?X-Amz-Signature=0 HTTP/1.1" 200 - {bytes} {bytes} 70 10 '
    '"-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3= SigV4 '
    "ECDHE-RSA-AES128-GCM-SHA256 AuthHeader models.s3.us-west-1.amazonaws.com TLSv1.2 - -",
    "mlflow": '192.0.2.7 - {user} [{time}] "GET /api/2.0/mlflow-artifacts/artifacts/0/{model}/'
    'artifacts/model/w.bin HTTP/1.1" 200 {bytes} "-" "mlflow-python-client/3.17.2"',
}
_DAYS = 30
_FIRST = date(2026, 1, 1)
_ACCESS = Access(paths=["/models/{model}/{version}/**"], quiet_hours="22-23")


class CanaryMissed(Exception):
    """A known theft was not seen, so nothing that is said of others can be trusted."""


def prove(format_: str) -> None:
    """Holds recorded lines, in which every rule is broken, against the judge.

    Raises:
        CanaryMissed: names what was not seen.
    """
    setup = Setup.made(format_, _ACCESS)
    download_of = setup.download_of()
    habits, last = Habits(), _FIRST + timedelta(days=_DAYS)
    touched = set()
    try:
        for line in _lines(format_):
            request = setup.parse(line)
            download = request and download_of(request)
            if download:
                habits.day(download.at.date())
                habits.add(download)
                touched.add(((download.principal, download.model), download.at.date()))
    except Malformed:
        raise _missed(format_, ["a well-formed line"]) from None
    new = {(pair, day) for pair, day in touched if day == last}
    seen = {event.rule for event in judge(habits, new, setup.rules)}
    early = judge(habits, touched - new, setup.rules)
    lost = [rule for rule in RULES if rule not in seen]
    if lost or early:
        raise _missed(format_, lost or ["that habit is habit"])
    try:
        setup.parse(f'{_LINES[format_][:60]} "GET / HTTP/1.1" broken')
    except Malformed:
        return
    raise _missed(format_, ["a broken line"])


def _lines(format_: str) -> Iterator[str]:
    def line(user: str, model: str, day: int, hour: int, size: int) -> str:
        at = datetime(_FIRST.year, _FIRST.month, _FIRST.day, hour, 30, tzinfo=UTC)
        time = (at + timedelta(days=day)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return _LINES[format_].format(user=user, model=model, time=time, bytes=size)

    for day in range(_DAYS):
        yield line("ann", "fraud", day, 9, 1 << 20)
    yield line("ann", "fraud", _DAYS, 10, 1 << 30)
    yield line("ann", "fraud", _DAYS, 3, 1 << 20)
    yield line("bob", "fraud", _DAYS, 22, 1 << 20)
    yield line("-", "fraud", _DAYS, 9, 1 << 20)
    for number in range(_ACCESS.many_models + 1):
        yield line("eve", f"model-{number}", _DAYS, 9, 1 << 20)


def _missed(format_: str, what: list[str]) -> CanaryMissed:
    not_seen = ", ".join(what)
    return CanaryMissed(f"the check of {format_} {MISSED_CANARY}: it does not see {not_seen}")
