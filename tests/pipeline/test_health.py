"""Silence is told: a night that did not run, an outbox that is stuck, advisories that are old."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from session_clock import Clock, clock_at

from compline.model import RunResult
from compline.pipeline.health import check_health
from compline.pipeline.notify import notify
from compline.pipeline.session import Session
from compline.pipeline.upkeep import keep_house, tend, watch
from compline.store.outbox import list_deliveries
from compline.store.runs import finish_run, start_run
from compline.store.schema import heads
from compline.store.worse import list_regressions

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_at(MONDAY, monkeypatch)


def bad(session: Session) -> dict[str, str]:
    return {one.subject: one.says for one in check_health(session) if not one.ok}


def test_a_store_that_was_never_used_is_well(organisation: Any, clock: Clock) -> None:
    with organisation.session() as session:
        assert bad(session) == {}


class TestSchedules:
    def test_one_that_did_not_start(self, organisation: Any, clock: Clock) -> None:
        organisation.sections["schedules"] = {
            "nightly": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}
        }
        with organisation.session() as session:
            tend(session)  # in use since Monday noon
            clock.now = datetime(2026, 3, 3, 1, 59, tzinfo=UTC)  # an hour after 2:00 in Berlin
            tend(session)
            assert bad(session) == {}
            clock.later(minutes=2)
            assert bad(session) == {
                "schedule/nightly/start": "it did not start at 2026-03-03 01:00 UTC: "
                "see the DAG compliance_nightly in Airflow"
            }
            run = start_run(session.store, "nightly", clock.now)
            finish_run(session.store, run, RunResult.CLEAN, clock.now)
            assert bad(session) == {}
            clock.later(days=1)
            tend(session)
            assert list(bad(session)) == ["schedule/nightly/start"]

    def test_another_kind_of_run_is_not_the_schedules(
        self, organisation: Any, clock: Clock
    ) -> None:
        organisation.sections["schedules"] = {"nightly": {"cron": "0 2 * * *"}}
        with organisation.session() as session:
            start_run(session.store, "cli", clock.now)
            clock.later(days=1)
            start_run(session.store, "cli", clock.now)
            assert list(bad(session)) == ["schedule/nightly/start"]

    def test_one_that_does_not_finish(self, organisation: Any, clock: Clock) -> None:
        organisation.sections |= {
            "schedules": {"noon": {"cron": "0 12 * * *"}},
            "health": {"finish_hours": 3},
        }
        with organisation.session() as session:
            run = start_run(session.store, "noon", clock.now)
            clock.later(hours=2, minutes=59)
            assert bad(session) == {}
            clock.later(minutes=1)
            assert list(bad(session)) == ["schedule/noon/finish"]
            says = bad(session)["schedule/noon/finish"]
            assert "2026-03-02 12:00 UTC and has not finished" in says
            finish_run(session.store, run, RunResult.CLEAN, clock.now)
            assert bad(session) == {}

    def test_a_killed_run_is_forgiven_when_the_next_one_finishes(
        self, organisation: Any, clock: Clock
    ) -> None:
        organisation.sections["schedules"] = {"noon": {"cron": "0 12 * * *"}}
        with organisation.session() as session:
            start_run(session.store, "noon", clock.now)
            clock.later(days=1)
            assert list(bad(session)) == ["schedule/noon/finish"]
            run = start_run(session.store, "noon", clock.now)
            finish_run(session.store, run, RunResult.CLEAN, clock.now)
            assert bad(session) == {}

    def test_summer_time(self, organisation: Any, clock: Clock) -> None:
        """In the night of 29 March 2026 there is no 02:30 in Berlin."""
        organisation.sections["schedules"] = {
            "nightly": {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
        }
        with organisation.session() as session:
            clock.now = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
            for _ in range(3):
                run = start_run(session.store, "nightly", clock.now)
                finish_run(session.store, run, RunResult.CLEAN, clock.now)
                clock.later(hours=23)
                assert bad(session) == {}
                clock.later(hours=1)
            clock.later(hours=3)
            assert list(bad(session)) == ["schedule/nightly/start"]


def test_an_outbox_that_is_stuck(organisation: Any, clock: Clock, fake: Any) -> None:
    fake("bandit")
    organisation.sections |= {
        "alerts": {"console": False, "channels": [{"name": "pager", "url": "env:NOT_SET"}]},
        "schedules": {},
    }
    organisation.commit("web", {"a.txt": "BAD\n"})
    organisation.night()
    with organisation.session() as session:
        assert bad(session) == {}
        clock.later(minutes=61)
        notify(session)
        assert "1 wait, the oldest since 2026-03-02 12:00 UTC" in bad(session)["outbox"]
        for _ in range(30):
            clock.later(hours=6)
            notify(session)
        assert list(bad(session)) == ["dead-letters"]
        assert bad(session)["dead-letters"].startswith("1 to pager were given up")
    organisation.sections["alerts"] = {}
    with organisation.session() as session:
        assert bad(session) == {}, "nobody waits for a channel that is gone"


def test_regressions_that_nobody_routes(organisation: Any, clock: Clock, fake: Any) -> None:
    fake("bandit")
    organisation.sections["schedules"] = {}
    organisation.commit("web", {"a.txt": "BAD\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compline.pipeline.notify.notify", lambda _session: 0)
        organisation.night()
    clock.later(minutes=61)
    with organisation.session() as session:
        assert list(bad(session)) == ["outbox"]


def test_old_advisories(organisation: Any, clock: Clock, fake: Any) -> None:
    fake("bandit")
    organisation.sections["schedules"] = {}
    organisation.commit("web", {"a.txt": "fine\n"})
    organisation.night()
    with organisation.session() as session:
        for day, found in (("2026-02-23", []), ("2026-02-22", ["advisories/bandit"])):
            with session.store.writing() as connection:
                connection.execute(heads.update().values(advisory_date=day))
            assert list(bad(session)) == found


def test_upkeep_that_has_stopped(organisation: Any, clock: Clock) -> None:
    organisation.sections["schedules"] = {}
    with organisation.session() as session:
        tend(session)
        clock.later(minutes=60)
        assert bad(session) == {}
        clock.later(minutes=1)
        assert list(bad(session)) == ["upkeep"]


def test_a_workspace_that_cannot_be_written(
    organisation: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation.sections["schedules"] = {}
    with organisation.session() as session:
        elsewhere = organisation.home / "gone"
        monkeypatch.setattr(Session, "workspace", property(lambda _self: Path(elsewhere)))
        assert list(bad(session)) == ["workspace"]


def test_a_store_that_cannot_be_written(organisation: Any, clock: Clock) -> None:
    organisation.sections["schedules"] = {}
    with organisation.session() as session:
        with session.store.writing() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON pulses "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        assert bad(session) == {"store": "it cannot be written (IntegrityError)"}


def test_alarms_are_told_once_until_all_is_well(organisation: Any, clock: Clock) -> None:
    organisation.sections["schedules"] = {"nightly": {"cron": "0 2 * * *"}}
    with organisation.session() as session:
        tend(session)
        clock.later(days=1)
        for _ in range(3):
            tend(session)
            assert [check.subject for check in watch(session)] == ["schedule/nightly/start"]
            notify(session)
            clock.later(minutes=15)
        [told] = list_regressions(session.store)
        assert (told.run, told.regression.kind.value, told.regression.target) == (
            None, "silence", "",
        )  # fmt: skip
        [sent] = list_deliveries(session.store)
        assert (sent.event, sent.state) == ("opened", "delivered")
        run = start_run(session.store, "nightly", clock.now)
        finish_run(session.store, run, RunResult.CLEAN, clock.now)
        tend(session)
        assert watch(session) == ()
        notify(session)
        assert [one.event for one in list_deliveries(session.store)] == ["resolved", "opened"]
        clock.later(days=1)
        tend(session)
        watch(session)
        notify(session)
        assert len(list_deliveries(session.store)) == 3


def test_a_schedule_that_is_no_longer_configured(organisation: Any, clock: Clock) -> None:
    organisation.sections["schedules"] = {"nightly": {"cron": "0 2 * * *"}}
    with organisation.session() as session:
        tend(session)
        clock.later(days=1)
        tend(session)
        assert len(watch(session)) == 1
    organisation.sections["schedules"] = {}
    with organisation.session() as session:
        for _ in range(2):
            assert watch(session) == ()
            notify(session)
            clock.later(minutes=15)
        assert [one.event for one in list_deliveries(session.store)] == ["resolved", "opened"]


def test_retention_is_once_a_day(organisation: Any, clock: Clock) -> None:
    with organisation.session() as session:
        assert keep_house(session)
        clock.later(hours=23)
        assert not keep_house(session)
        clock.later(hours=1)
        assert keep_house(session)
