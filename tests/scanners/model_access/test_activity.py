"""Who was last seen when, as the looks at an access log learn it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any


def activity(proxy: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(proxy.memory)["activity"]
    return told


def test_every_request_that_was_answered_counts(proxy: Any, line: Callable[..., str]) -> None:
    other = line("bob", 2).replace("GET /models/fraud/3/w.bin", "POST /api/runs/create")
    refused = line("eve", 3).replace(" 200 ", " 401 ")
    stranger = line("-", 4)
    proxy.write("access.log", line("ann", 0) + other + refused + stranger, day=4)
    proxy.look(4)

    assert activity(proxy)["last"] == {"ann": "2026-01-01", "bob": "2026-01-03"}
    assert (activity(proxy)["began"], activity(proxy)["ended"]) == ("2026-01-01", "2026-01-05")
    assert activity(proxy)["whole"] is True


def test_the_newest_day_stays_whatever_is_read_when(proxy: Any, line: Callable[..., str]) -> None:
    proxy.write("access.log", line("ann", 5), day=5)
    proxy.look(5)
    (proxy.folder / "access.log.1.gz").write_bytes(gzip.compress(line("ann", 1).encode()))
    proxy.write("access.log", line("bob", 6), day=6)
    proxy.look(6)

    assert activity(proxy)["last"] == {"ann": "2026-01-06", "bob": "2026-01-07"}
    assert activity(proxy)["began"] == "2026-01-02"


def test_what_could_not_be_read_is_remembered_as_missing(
    proxy: Any, line: Callable[..., str]
) -> None:
    proxy.write("access.log", line("ann", 0) + "broken\n" + line("ann", 1), day=1)
    proxy.look(1)

    assert activity(proxy)["whole"] is False


def test_a_log_without_names_tells_of_no_day(proxy: Any) -> None:
    lines = '2026/01/01 09:00:00 INFO:     192.0.2.7:1234 - "GET /x HTTP/1.1" 200 OK\n'
    proxy.write("access.log", lines, day=0)
    proxy.look(0, kind="mlflow")

    assert (activity(proxy)["began"], activity(proxy)["last"]) == (None, {})


def test_a_memory_of_before_begins_with_what_is_read_now(
    proxy: Any, line: Callable[..., str]
) -> None:
    proxy.write("access.log", line("ann", 0), day=0)
    proxy.look(0)
    before = json.loads(proxy.memory)
    del before["activity"]
    proxy.memory = json.dumps(before).encode()
    proxy.write("access.log", line("bob", 3), day=3)
    proxy.look(3)

    assert (activity(proxy)["began"], activity(proxy)["last"]) == (
        "2026-01-04",
        {"bob": "2026-01-04"},
    )
    assert proxy.cells() == {"ann fraud": [1], "bob fraud": [1]}


def test_who_was_not_there_for_very_long_is_forgotten(proxy: Any, line: Callable[..., str]) -> None:
    proxy.write("access.log", line("ann", 0) + line("bob", 400), day=400)
    proxy.look(410)

    assert activity(proxy)["last"] == {"bob": "2027-02-05"}
    assert activity(proxy)["began"] == "2026-01-12"
