"""`compline alerts` and `compline health` as people and programs call them."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def told(scanned: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scanned site with a webhook, without a schedule that could be late."""
    monkeypatch.setenv("HOOK", f"http://{receiver.address}/")
    monkeypatch.setenv("KEY", "key")
    hook = {"name": "hook", "url": "env:HOOK", "signing_key": "env:KEY"}
    scanned.write(alerts={"channels": [hook]}, schedules={})
    yield scanned
    scanned.write()


def test_list(scanned: Any) -> None:
    listed = scanned.run("alerts", "list")
    assert listed.exit_code == 0
    assert "first look at web: 2 findings" in " ".join(listed.stdout.split())
    found = scanned.json("alerts", "list", "--format", "json")
    assert {one["channel"] for one in found} == {"console"}
    assert {one["state"] for one in found} == {"delivered"}
    assert "No dead deliveries." in scanned.run("alerts", "list", "--state", "dead").stdout


def test_list_of_one_finding(scanned: Any) -> None:
    for one in scanned.json("findings", "--format", "json"):
        listed = scanned.json("alerts", "list", "--format", "json", "--finding", one["id"])
        assert all(entry["payload"]["entries"][0]["about"] == one["id"] for entry in listed)
        assert bool(listed) == (one["path"] == "new.py" and one["severity"] == "high")


def test_test(told: Any, receiver: Any) -> None:
    done = told.run("alerts", "test", "hook")
    assert done.exit_code == 0
    assert "hook took the test message" in done.stdout
    [got] = receiver.got
    assert got.json["event"] == "test"
    assert got.headers["Compline-Signature"].startswith("v1=")
    receiver.refuse = 1
    done = told.run("alerts", "test", "hook")
    assert done.exit_code == 3
    assert "hook: the receiver answers 503" in done.output


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        (None, 2, "set the environment variable PAGER"),
        ("nonsense-hunter2://x", 3, "Apprise does not understand the channel's URL"),
        ("json://hunter2", 3, "pager: the channel crashed (ValueError)"),
    ],
)
def test_a_channel_is_tried_and_its_address_not_shown(
    site: Any, monkeypatch: pytest.MonkeyPatch, address: str | None, code: int, message: str
) -> None:
    def crash(*_arguments: Any, **_options: Any) -> bool:
        raise ValueError(address)

    monkeypatch.setattr("apprise.Apprise.notify", crash)
    monkeypatch.delenv("PAGER", raising=False)
    if address:
        monkeypatch.setenv("PAGER", address)
    site.write(alerts={"channels": [{"name": "pager", "url": "env:PAGER"}]})
    done = site.run("alerts", "test", "pager")
    assert done.exit_code == code
    assert message in " ".join(done.stderr.split())
    assert "hunter2" not in done.output


def test_preview(told: Any, receiver: Any) -> None:
    shown = told.json("alerts", "preview", "--format", "json")
    assert {one["channel"] for one in shown} == {"console", "hook"}
    assert {one["entries"][0]["kind"] for one in shown} >= {"baseline"}
    table = told.run("alerts", "preview", "--days", "2")
    assert table.exit_code == 0
    assert "messages over 2 days" in table.stdout
    assert receiver.got == []


def test_retry_wants_one_or_all(told: Any) -> None:
    assert told.run("alerts", "retry").exit_code == 2
    assert told.run("alerts", "retry", "x", "--dead").exit_code == 2
    assert "see `compline alerts list`" in told.run("alerts", "retry", "x").output
    done = told.run("alerts", "retry", "--dead")
    assert done.exit_code == 0
    assert "0 deliveries are due again" in done.stdout


def test_health(told: Any) -> None:
    done = told.run("health", "--format", "json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["ok"] is True
    assert {"store", "workspace", "outbox", "dead-letters"} <= {
        one["subject"] for one in said["checks"]
    }
    assert "nothing waits" in told.run("health").stdout


def test_what_is_not_well(told: Any, site: Any) -> None:
    database = site.home / "work" / "store" / "compline.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"this is no database" * 100)
    done = site.run("health", "--format", "json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False
    [check] = said["checks"]
    assert check["subject"] == "store"
    assert "cannot open the store" in check["says"]
    assert site.run("health").exit_code == 1
