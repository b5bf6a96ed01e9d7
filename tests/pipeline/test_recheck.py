"""A sample of what is kept is scanned again: what differs is told, dropped and looked at anew."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from session_clock import Clock, clock_at
from sqlalchemy import select

from compline.model import RegressionKind
from compline.pipeline.differences import differences
from compline.pipeline.health import check_health
from compline.pipeline.progress import Progress
from compline.pipeline.recheck import recheck
from compline.pipeline.sampled import SampledCache
from compline.pipeline.session import Session
from compline.pipeline.upkeep import watch
from compline.scanners import registry
from compline.scanners.bandit import scanner as bandit
from compline.store.schema import cache_keys, cache_results
from compline.store.worse import list_regressions
from compline.tools.process import TimedOut

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCK = {
    "name": "shop", "version": "1.0.0", "lockfileVersion": 3,
    "packages": {"": {"name": "shop"}, "node_modules/lodash": {"version": "4.17.10"}},
}  # fmt: skip
TREE = {
    "app.py": "import requests\n\nrequests.get('https://a.example', timeout=5, verify=False)\n",
    "more.py": "exec(input())\n",
    "requirements.txt": "flask==2.0.0\npyyaml==5.3\n",
    "package-lock.json": json.dumps(LOCK),
    "Dockerfile": "FROM debian:12\nUSER root\n",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_at(MONDAY, monkeypatch)


@pytest.fixture
def shop(equipped: Any, clock: Clock) -> Callable[[str], Any]:
    """After a night in which one scanner has looked at one repository."""

    def look(scanner: str) -> Any:
        equipped.scanners = (scanner,)
        equipped.sections["schedules"] = {}
        equipped.sections["advisories"] = {
            "osv": "bundled", "trivy_db": "bundled", "max_age_days": 9999
        }  # fmt: skip
        equipped.commit("web", TREE)
        assert equipped.night().outcomes == {("web", scanner): "completed"}
        clock.later(hours=1)
        return equipped

    return look


def kept(session: Session, scanner: str) -> dict[str, bytes]:
    """Name to value of everything that is kept."""
    query = (
        select(cache_results.c.content, cache_results.c.value)
        .join(cache_keys, cache_keys.c.id == cache_results.c.key_id)
        .where(cache_keys.c.scanner == scanner)
    )
    with session.store.reading() as connection:
        return {name: zlib.decompress(value) for name, value in connection.execute(query)}


def silenced(value: Any) -> Any:
    """The same result with nothing in it."""
    if isinstance(value, dict):
        lists = ("observations", "vulnerabilities")
        return {key: [] if key in lists else silenced(part) for key, part in value.items()}
    return value


def poison(session: Session, scanner: str) -> str:
    """Makes one kept result say that there is nothing; gives its name."""
    for name, value in sorted(kept(session, scanner).items()):
        says = json.loads(value) if value.startswith(b"{") else {}
        if silenced(says) != says:
            wrong = zlib.compress(json.dumps(silenced(says)).encode())
            with session.store.writing() as connection:
                rows = cache_results.update().where(cache_results.c.content == name)
                connection.execute(rows.values(value=wrong))
            return name
    raise AssertionError("nothing that is kept says anything")


def wrong_caches(session: Session) -> list[str]:
    """What `compline health` says is not well about caches."""
    checks = check_health(session)
    return [one.subject for one in checks if not one.ok and one.subject.startswith("cache/")]


@pytest.mark.parametrize("scanner", ["bandit", "semgrep", "pip-audit", "trivy"])
def test_a_wrong_result_is_told_and_dropped(shop: Any, scanner: str) -> None:
    with shop(scanner).session() as session:
        for digest in list(session.evidence.digests()):
            session.evidence.remove(digest)
        wrong = poison(session, scanner)
        differing = recheck(session)
        assert differing is not None
        assert wrong in [one.content for one in differing]
        assert {one.scanner for one in differing} == {scanner}
        [told] = [one for one in list_regressions(session.store) if one.run is None]
        assert told.regression.kind is RegressionKind.HEALTH
        assert f"{scanner}: the cached result of {differing[0].content}" in told.regression.title
        assert "only in the new scan" in told.regression.title
        assert not kept(session, scanner).keys() & {one.content for one in differing}
        assert not list(session.evidence.digests()), "these looks prove nothing"


def test_its_looks_are_taken_anew_before_it_is_trusted_again(shop: Any, clock: Clock) -> None:
    organisation = shop("bandit")
    organisation.commit("docs", {"d.py": "exec(input())\n"})
    organisation.night()
    before = organisation.open()
    with organisation.session() as session:
        assert recheck(session) == ()
        assert wrong_caches(session) == []
        poison(session, "bandit")
        clock.later(hours=23)
        assert recheck(session) is None, "once a day"
        clock.later(hours=1)
        assert recheck(session)
        for _ in range(2):
            watch(session)
            assert wrong_caches(session) == ["cache/bandit"]
        assert len(list_regressions(session.store)) == 3, "two baselines and this"
        clock.later(days=1)
        assert recheck(session) == ()
        assert kept(session, "bandit") == {}, "what stands on what was dropped is not compared"
        assert wrong_caches(session) == ["cache/bandit"]
    away = organisation.path("docs").rename(organisation.home / "away")
    night = organisation.night()
    assert night.row("web", "bandit").reused_from is None
    clock.later(days=1)
    with organisation.session() as session:
        assert recheck(session) == ()
        assert wrong_caches(session) == ["cache/bandit"], "one was not looked at since"
    away.rename(organisation.path("docs"))
    night = organisation.night()
    assert organisation.open().keys() == before.keys()
    clock.later(days=1)
    with organisation.session() as session:
        assert recheck(session) == ()
        assert wrong_caches(session) == []
    assert organisation.night().row("docs", "bandit").reused_from == night.run


def test_what_cannot_be_scanned_again_is_not_taken_for_equal(
    shop: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    organisation = shop("bandit")
    with organisation.session(told) as session:
        poison(session, "bandit")

        def late(*_: Any, **__: Any) -> Any:
            raise TimedOut("too long")

        with monkeypatch.context() as patch:
            patch.setattr(bandit, "run", late)
            assert recheck(session) == ()
        assert any("bandit on web" in one.text for one in told)
        clock.later(days=1)
        assert recheck(session), "it is still there to be found"


def test_a_week_without_a_comparison_is_told(
    shop: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop("bandit").session() as session:
        assert recheck(session) == ()
        monkeypatch.setattr(registry, "load", lambda _name: None)
        for _ in range(8):
            assert wrong_caches(session) == []
            clock.later(days=1)
            assert recheck(session) == ()
        assert wrong_caches(session) == ["cache/bandit"]


def test_the_sample_is_small_and_another_each_day(shop: Any, clock: Clock) -> None:
    organisation = shop("bandit")
    organisation.commit("web", {f"m{n}.py": f"exec(x{n})\n" for n in range(60)})
    clock.later(hours=1)
    organisation.night()
    told: list[Progress] = []
    with organisation.session(told) as session:
        values = kept(session, "bandit")
        names = [name for name in values if ".py" in name or ":" in name]
        seen = []
        for _ in range(2):
            clock.later(days=1)
            cache = SampledCache(session.store, session.now().date().isoformat(), 20)
            key = registry.load("bandit").scan_key(session.scan_context())
            left = cache.get_many("bandit", key, names)
            seen.append(set(names) - set(left))
        assert [len(one) for one in seen] == [20, 20]
        assert seen[0] != seen[1]
        assert recheck(session) == ()
    assert "bandit: 20 kept results scanned again, 0 differ" in [one.text for one in told]


def test_what_the_cache_has_forgotten_is_not_scanned_besides(shop: Any, clock: Clock) -> None:
    organisation = shop("bandit")
    organisation.commit("web", {f"m{n}.py": f"exec(x{n})\n" for n in range(201)})
    clock.later(hours=1)
    organisation.night()
    told: list[Progress] = []
    with organisation.session(told) as session:
        session.store.cache.prune(clock.now.date() + timedelta(days=9999))
        assert recheck(session) == ()
    assert "bandit on web: 201 contents are in no cache any more" in [one.text for one in told]


def test_it_can_be_switched_off(shop: Any) -> None:
    organisation = shop("bandit")
    organisation.sections["health"] = {"recheck_minutes": 0}
    with organisation.session() as session:
        poison(session, "bandit")
        assert recheck(session) is None
        assert not [one for one in check_health(session) if one.subject.startswith("cache/")]


@pytest.mark.parametrize(
    ("before", "now", "what"),
    [
        (b"found", b"found", ()),
        (b"found", b"other", ("the value is no longer the same",)),
        (b'{"a":[],"asked":"1"}', b'{"asked":"2","a":[]}', ()),
        (b'{"a":[{"id":"x"},{"id":"y"}]}', b'{"a":[{"id":"y"},{"id":"x"}]}', ()),
        (
            b'{"a":[{"id":"x"}]}',
            b'{"a":[{"id":"x"},{"id":"x"}]}',
            ("x only in the new scan",),
        ),
        (b'{"a":[{"id":"x"}]}', b'{"a":[]}', ("x only in the cache",)),
        (
            b'{"a":[{"id":"x","s":1}]}',
            b'{"a":[{"id":"x","s":2}]}',
            ("x is no longer the same",),
        ),
        (
            b'{"o":[{"rule":"B1","place":{"path":"a.py","line":3}}]}',
            b'{"g":[{"reason":"parse_error","path":"a.py"}]}',
            ("B1 at a.py:3 only in the cache", "gap parse_error at a.py only in the new scan"),
        ),
        (b'{"digest":"1"}', b'{"digest":"2"}', ("digest is no longer the same",)),
    ],
)
def test_what_differs_in_words(before: bytes, now: bytes, what: tuple[str, ...]) -> None:
    assert differences(before, now) == what
