"""schemathesis' NDJSON, one event per line: what was tested, what failed, what could not be tested.

The format is that of schemathesis 4.32: each line is an object with one key, the event's name.
Nothing of the requests and answers in it is kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_REFUSED = (401, 403)
_NOT_THERE = frozenset({404, 405, 410})


class Broken(Exception):
    """The report is not whole, or the tool says that it could not do its work."""


@dataclass(frozen=True)
class Report:
    """What one run says."""

    version: str
    tested: Mapping[str, int]
    """Operation (`METHOD /path`) to cases that were answered and checked."""
    refused: frozenset[str]
    """Operations that let none of the requests in: 401 or 403 among nothing but 4xx."""
    absent: frozenset[str]
    """Operations that answer nothing but 404, 405 or 410."""
    led_away: frozenset[str]
    """Operations that answer nothing but redirects."""
    failures: Mapping[tuple[str, str], tuple[int, tuple[str, ...]]]
    """(operation, check) to the number of cases and what schemathesis calls the failures."""
    errors: Mapping[str, int]
    """Operation to cases that had no answer."""


@dataclass
class _Reading:
    version: str = ""
    finished: str = ""
    tested: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, set[int]] = field(default_factory=dict)
    failures: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)


def read(content: bytes) -> Report:
    """The report of one run.

    Raises:
        Broken: it is not whole, or the run was not completed.
    """
    reading = _Reading()
    try:
        for line in content.splitlines():
            ((event, value),) = json.loads(line).items()
            _take(reading, event, value)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Broken(f"schemathesis' report is not whole ({type(error).__name__})") from None
    if not reading.version or not reading.finished:
        raise Broken("schemathesis' report is not whole: it has no end")
    if reading.finished != "completed":
        raise Broken(f"schemathesis did not come to its end ({reading.finished[:40]})")
    statuses = reading.statuses.items()
    return Report(
        reading.version,
        dict(reading.tested),
        frozenset(name for name, seen in statuses if _is_refusal(seen)),
        frozenset(name for name, seen in statuses if seen <= _NOT_THERE),
        frozenset(name for name, seen in statuses if all(300 <= one < 400 for one in seen)),
        {key: (titles.total(), tuple(sorted(titles))) for key, titles in reading.failures.items()},
        dict(reading.errors),
    )


def _is_refusal(statuses: set[int]) -> bool:
    # Some services look at the form of a request before they ask who sends it.
    return bool(statuses & set(_REFUSED)) and all(400 <= status < 500 for status in statuses)


def _take(reading: _Reading, event: str, value: Mapping[str, Any]) -> None:
    if event == "Initialize":
        reading.version = str(value["schemathesis_version"])
    elif event == "EngineFinished":
        reading.finished = str(value["stop_reason"])
    elif event == "FatalError":
        raise Broken("schemathesis could not use the OpenAPI document, or broke")
    elif event == "NonFatalError" and value.get("label"):
        reading.errors[str(value["label"])] += 1
    elif event == "ScenarioFinished":
        _scenario(reading, value["recorder"])


def _scenario(reading: _Reading, recorder: Mapping[str, Any]) -> None:
    operation = str(recorder["label"])
    for interaction in recorder.get("interactions", {}).values():
        if response := interaction.get("response"):
            reading.statuses.setdefault(operation, set()).add(int(response["status_code"]))
    for checks in recorder.get("checks", {}).values():
        reading.tested[operation] += 1
        for check in checks:
            if check["status"] == "failure":
                title = str(check["failure_info"]["failure"]["title"])[:80]
                key = (operation, str(check["name"]))
                reading.failures.setdefault(key, Counter())[title] += 1
