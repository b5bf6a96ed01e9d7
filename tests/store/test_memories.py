"""What scanners remember: kept with the record of a completed look that counts, and only then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from compline.model import Completed, Failed, Look
from compline.store.memories import read_memory
from compline.store.record import record


def look_of(site: Any, memory: bytes | None, outcome: Any = None) -> Look:
    look: Look = site.look(outcome or Completed(()))
    return replace(look, memory=memory)


def kept(site: Any) -> bytes | None:
    return read_memory(site.store, "api", "bandit")


def test_it_is_kept_with_the_record_and_replaced_whole(site: Any) -> None:
    site.next_night()
    assert kept(site) is None
    site.record(look_of(site, b"one"))
    assert kept(site) == b"one"
    site.record(look_of(site, b"again"))  # a retry of the same run
    assert kept(site) == b"one"
    site.next_night()
    site.record(look_of(site, b"two" * 100_000))
    assert kept(site) == b"two" * 100_000
    site.next_night()
    site.record(look_of(site, None))
    assert kept(site) == b"two" * 100_000
    assert read_memory(site.store, "api", "semgrep") is None


def test_neither_a_failed_nor_an_older_look_changes_it(site: Any) -> None:
    site.next_night()
    site.record(look_of(site, b"one"))
    late = site.next_night()
    at = site.now
    site.record(look_of(site, b"failed", Failed("broke")))
    assert kept(site) == b"one"
    site.next_night()
    site.record(look_of(site, b"newer"))
    site.record(look_of(site, b"older"), run=late, at=at)
    assert kept(site) == b"newer"


def test_a_record_that_is_not_committed_keeps_nothing(site: Any, monkeypatch: Any) -> None:
    site.next_night()
    site.record(look_of(site, b"one"))
    site.next_night()

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("compline.store.record.write_decision", killed)
    try:
        site.record(look_of(site, b"two"))
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError(record)
    assert kept(site) == b"one"
