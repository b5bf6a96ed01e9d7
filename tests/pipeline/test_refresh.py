"""Live advisories are asked for ahead of the night, and whoever cannot be asked is told of then."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from session_clock import Clock, clock_at

from compline.advisories import osv
from compline.advisories.errors import AdvisoryError
from compline.advisories.online import OsvOnline
from compline.advisories.osv import BUNDLED
from compline.config.schema import Schedule
from compline.pipeline.health import check_health
from compline.pipeline.refresh import next_due, refresh, refreshed
from compline.pipeline.session import Session
from compline.pipeline.upkeep import watch
from compline.scanners.trivy import command
from compline.store.worse import list_regressions

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""When the first night begins."""
EVENING = MONDAY + timedelta(hours=18)
BEFORE = MONDAY + timedelta(hours=22, minutes=30)
TREE = {"requirements.txt": "pyyaml==5.3\nrequests==2.31.0\n"}


@dataclass
class Osv:
    """A service that speaks OSV's query, and what it was asked."""

    status: int = 200
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["package"]["name"]
        self.asked.append(f"{name}=={question['version']}")
        if name != "pyyaml":
            return {}
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "versions": ["5.3"]}]
        return {"vulns": [{"id": "CVE-2020-1747", "affected": affected}]}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Osv]:
    """It, running, in the place of the public one."""
    played = Osv()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(played.answer(question)).encode()
            self.send_response(played.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played.address = f"http://127.0.0.1:{server.server_port}/v1/query"
    monkeypatch.setattr(osv, "OsvOnline", lambda: OsvOnline(played.address, attempts=1))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield played
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_at(MONDAY, monkeypatch)


@pytest.fixture
def shop(equipped: Any, clock: Clock) -> Any:
    """An organisation with a night at two, and pip-audit alone."""
    equipped.scanners = ("pip-audit",)
    equipped.sections |= {
        "schedules": {"nightly": {"cron": "0 2 * * *"}},
        "advisories": {"osv": "online", "trivy_db": "bundled"},
        "health": {"recheck_minutes": 0},
    }
    equipped.commit("web", TREE)
    return equipped


def ill(session: Session) -> list[str]:
    """What is not well about advisories."""
    return [
        one.subject
        for one in check_health(session)
        if not one.ok and one.subject.startswith("advisories/")
    ]


def test_what_was_asked_ahead_is_not_asked_by_the_night(
    shop: Any, clock: Clock, service: Osv
) -> None:
    assert shop.night().outcomes == {("web", "pip-audit"): "completed"}
    assert set(service.asked) == {"pyyaml==5.3", "requests==2.31.0"}
    service.asked.clear()
    with shop.session() as session:
        documents = set(session.evidence.digests())
        clock.now = EVENING
        assert refresh(session) == {}
        assert service.asked == [], "the night is not near"
        clock.now = BEFORE
        assert refresh(session) == {}
        assert set(service.asked) == {"pyyaml==5.3", "requests==2.31.0"}
        service.asked.clear()
        clock.now += timedelta(minutes=15)
        assert refresh(session) == {}
        assert service.asked == [], "once before a night"
        assert set(session.evidence.digests()) == documents
        assert ill(session) == []
    clock.now = MONDAY + timedelta(days=1)
    assert shop.night().outcomes == {("web", "pip-audit"): "completed"}
    assert service.asked == []


def test_a_service_that_is_away_is_told_until_it_answers(
    shop: Any, clock: Clock, service: Osv
) -> None:
    shop.night()
    with shop.session() as session:
        clock.now, service.status = BEFORE, 503
        for _ in range(2):
            failed = refresh(session)
            assert list(failed) == ["advisories/osv"]
            assert "status 503" in failed["advisories/osv"]
            watch(session)
            assert ill(session) == ["advisories/osv"]
            clock.now += timedelta(minutes=15)
        told = [one.regression for one in list_regressions(session.store)]
        [told] = [one for one in told if one.subject == "advisories/osv"]
        assert "could not be refreshed ahead of the night" in told.title
        assert "status 503" in told.title
        service.status = 200
        assert refresh(session) == {}
        assert ill(session) == []


def test_the_trivy_database(shop: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.scanners = ("trivy",)
    shop.sections["advisories"] = {"osv": "online", "trivy_db": "oci://mirror.example/trivy-db"}
    asked: list[str] = []
    broken = ""

    def download(_tool: Any, _limits: Any, reference: str, directory: Path) -> None:
        asked.append(reference)
        if broken:
            raise AdvisoryError(broken)
        shutil.copy(BUNDLED / "trivy.db.gz", directory / "trivy.db.gz")
        shutil.copy(BUNDLED / "trivy-metadata.json", directory / "trivy-metadata.json")

    monkeypatch.setattr(command, "_download", download)
    with shop.session() as session:
        assert refreshed(session.config) == ("advisories/trivy-db",)
        clock.now = BEFORE
        assert refresh(session) == {}
        assert asked == ["mirror.example/trivy-db"]
        # One that stands already is no excuse.
        broken = "the mirror is away"
        clock.now += timedelta(days=1)
        assert "the mirror is away" in refresh(session)["advisories/trivy-db"]
        assert ill(session) == ["advisories/trivy-db"]
        broken = ""
        assert refresh(session) == {}
        assert ill(session) == []


def test_nothing_is_asked_that_the_configuration_does_not_ask_for(shop: Any, clock: Clock) -> None:
    shop.sections["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    assert refreshed(shop.config()) == ()
    shop.sections["advisories"] = {"osv": "online", "trivy_db": "online"}
    assert refreshed(shop.config()) == ("advisories/osv",), "trivy is switched off"
    shop.sections["schedules"] = {}
    with shop.session() as session:
        clock.now = BEFORE
        assert refresh(session) == {}, "there is no night"


def test_an_answer_still_counts_in_the_night(shop: Any, clock: Clock, service: Osv) -> None:
    shop.night()
    service.asked.clear()
    night = MONDAY + timedelta(days=1)
    for hours, minutes, asked in ((1, 31, False), (12, 121, False), (12, 119, True)):
        shop.sections["advisories"]["recheck_hours"] = hours
        clock.now = night - timedelta(minutes=minutes)
        with shop.session() as session:
            assert refresh(session) == {}
        assert bool(service.asked) is asked


def test_when_a_night_begins() -> None:
    berlin = Schedule(cron="0 2 * * *", timezone="Europe/Berlin")
    due = next_due(berlin, datetime(2026, 3, 2, 0, 30, tzinfo=UTC))
    assert due == datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
