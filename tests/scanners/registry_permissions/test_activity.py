"""When accounts were last seen: what access logs' looks have learned, held against the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.config.loader import ConfigError, load_config
from compline.model import Completed, GapReason, Severity, Target, TargetKind
from compline.scanners.access.activity import Activity as Learned
from compline.scanners.access.memory import Memory, to_bytes
from compline.scanners.access.scanner import ModelAccess
from compline.scanners.access.setup import Setup
from compline.scanners.interface import Job
from compline.scanners.registries.activity import activity_of, gaps, last_seen
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import Activity, RegistryFacts, User
from compline.scanners.registries.policy import parse_policy

TODAY = date(2026, 1, 1)
USERS = (User("root", True), User("ann", False), User("eve", False))
LONG = Activity(TODAY, {"ann": date(2025, 12, 30), "root": date(2025, 6, 1)}, date(2025, 1, 1))


def facts(activity: Activity | None) -> RegistryFacts:
    return RegistryFacts(True, False, (), users=USERS, grants=(), activity=activity)


def found(activity: Activity | None, **policy: Any) -> dict[tuple[str, str], Any]:
    declared = {"admins": ["root"], "users": ["ann", "eve"], "grants": {}, **policy}
    told = evaluate(facts(activity), parse_policy(declared), "test")
    return {(one.rule, one.subject): one for one in told}


def test_declared_accounts_that_nobody_uses() -> None:
    told = found(LONG, unused_days=90)
    assert {key: one.severity for key, one in told.items()} == {
        ("unused-account", "activity/root"): Severity.MEDIUM,
        ("unused-account", "activity/eve"): Severity.LOW,
    }
    assert [one.title for one in told.values()] == [
        "root was last there on 2025-06-01; the policy says 90 days at most",
        (
            "eve has not been there since 2025-01-01, when its log begins; "
            "the policy says 90 days at most"
        ),
    ]
    assert found(LONG) == {}


def test_an_undeclared_account_tells_when_it_was_there() -> None:
    def last(name: str, activity: Activity | None) -> str:
        told = found(activity, users=[], unused_days=90)
        assert ("unused-account", f"activity/{name}") not in told
        return dict(told["undeclared-user", f"user/{name}"].details)["last seen"]

    assert last("ann", LONG) == "2025-12-30, by its access log"
    assert last("eve", LONG) == "not since 2025-01-01"
    assert last("eve", replace(LONG, trouble="the log x names no users")) == (
        "unknown: the log x names no users"
    )
    assert last("ann", None).startswith("unknown: MLflow keeps no last login")


@pytest.mark.parametrize(
    ("activity", "detail"),
    [
        (None, "no access log names the registry"),
        (Activity(TODAY, {}, date(2025, 12, 1)), "begin on 2025-12-01: too short"),
        (replace(LONG, trouble="the log x names no users"), "the log x names no users"),
    ],
)
def test_logs_that_do_not_tell_are_a_gap_and_no_finding(
    activity: Activity | None, detail: str
) -> None:
    assert found(activity, unused_days=90) == {}
    (gap,) = gaps(facts(activity), parse_policy({"unused_days": 90}))
    assert gap.path == "activity/"
    assert detail in gap.detail
    assert gaps(facts(activity), parse_policy({})) == ()


def test_logs_that_are_just_long_enough() -> None:
    short = Activity(TODAY, {"ann": date(2025, 10, 10)}, date(2025, 11, 1))
    assert set(found(short, unused_days=60)) == {("unused-account", "activity/ann"),
                                                 ("unused-account", "activity/root"),
                                                 ("unused-account", "activity/eve")}  # fmt: skip
    assert last_seen("ann", short) == "2025-10-10, by its access log"


REGISTRY = {"name": "models", "kind": "mlflow", "url": "https://models.example"}
TARGET = Target(TargetKind.MODEL_REGISTRY, "models", "x", settings={})
PATHS = ["/models/{model}/**"]


def log(name: str, **access: Any) -> dict[str, Any]:
    settings = {"paths": PATHS, "registry": "models", **access}
    return {"name": name, "files": [f"/logs/{name}"], "format": "combined", "access": settings}


def learned(context: Any, logs: Mapping[str, Learned | None]) -> Activity | None:
    asked = context(None, targets={
        "model_registries": [REGISTRY], "logs": [*map(log, logs), log("other", registry=None)],
    })  # fmt: skip
    reading = Setup.made("combined", asked.config.targets.logs[0].access).reading

    def memory(name: str, scanner: str) -> bytes | None:
        assert scanner == "model-access"
        kept = logs[name]
        return to_bytes(Memory(reading, activity=kept)) if kept else None

    return activity_of(TARGET, replace(asked, memory=memory))


def seen(began: date = date(2025, 6, 1), ended: date = TODAY, **more: Any) -> Learned:
    return Learned(began, ended, **{"last": {"ann": date(2025, 12, 1)}, **more})


def test_logs_are_put_together(context: Any) -> None:
    other = seen(date(2025, 8, 1), last={"ann": date(2025, 12, 5), "eve": date(2025, 9, 1)})
    told = learned(context, {"a": seen(), "b": other})
    assert told is not None
    assert (told.since, told.trouble) == (date(2025, 8, 1), "")
    assert told.last == {"ann": date(2025, 12, 5), "eve": date(2025, 9, 1)}


@pytest.mark.parametrize(
    ("kept", "trouble"),
    [
        (None, "the log b has not been read yet"),
        (Learned(), "the log b names no users"),
        (seen(whole=False), "the log b was not read to its end"),
        (seen(left=1), "the log b was not read to its end"),
        (seen(ended=date(2025, 12, 20)), "the log b tells nothing since 2025-12-20"),
    ],
)
def test_one_log_that_does_not_tell_is_enough(
    context: Any, kept: Learned | None, trouble: str
) -> None:
    told = learned(context, {"a": seen(), "b": kept})
    assert told is not None
    assert told.trouble == trouble
    assert told.last["ann"] == date(2025, 12, 1)


def test_a_look_at_a_log_and_then_at_the_registry(context: Any, stub: Any, tmp_path: Path) -> None:
    from compline.scanners.registries.scanner import RegistryPermissions

    line = '192.0.2.7 - {} [{}/2025:09:00:00 +0000] "GET /x HTTP/1.1" 200 10 "-" "curl"\n'
    days = [("bob", "01/Jun"), ("alice", "30/Dec"), ("admin", "31/Dec")]
    (tmp_path / "access.log").write_text("".join(line.format(*each) for each in days))
    settings = {**log("proxy"), "files": [str(tmp_path / "access.log")]}
    registry = {"kind": "mlflow", "url": stub.url, "credential": "env:REGISTRY"}
    policy = {"admins": ["admin"], "users": ["bob"], "default_permission": "READ",
              "grants": {}, "unused_days": 90, "artifact_store": "local"}  # fmt: skip
    asked = context(
        None,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        secrets={"REGISTRY": "admin:a-password-for-tests"},
        targets={"model_registries": [{**registry, "name": "models"}], "logs": [settings]},
    )
    of_log = Target(TargetKind.LOG, "proxy", "x", settings=settings)
    (look,) = ModelAccess().scan([Job(of_log, "")], asked)
    asked = replace(asked, memory=lambda *_: look.memory)
    target = Target(TargetKind.MODEL_REGISTRY, "models", stub.url,
                    settings={**registry, "policy": policy})  # fmt: skip
    (judged,) = RegistryPermissions().scan([Job(target, "")], asked)

    outcome = judged.outcome
    assert isinstance(outcome, Completed), outcome
    assert outcome.gaps == ()
    told = {(one.rule, one.subject): dict(one.details) for one in outcome.observations}
    assert ("unused-account", "activity/bob") in told
    assert told["undeclared-user", "user/alice"]["last seen"] == "2025-12-30, by its access log"
    assert b'"alice":"2025-12-30"' in asked.evidence.get(judged.evidence[0]).replace(b" ", b"")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"registry": "nobody"}, "expected the name of an MLflow registry"),
        ({"format": "s3", "registry": "models"}, "names no accounts of MLflow"),
    ],
)
def test_a_log_of_no_registry_is_refused_with_its_line(
    tmp_path: Path, more: dict[str, str], told: str
) -> None:
    path = tmp_path / "compline.yaml"
    path.write_text(
        "organisation: test\n"
        "targets:\n"
        "  model_registries:\n"
        "    - {name: models, kind: mlflow, url: 'https://models.example'}\n"
        "  logs:\n"
        "    - name: proxy\n"
        "      files: [/logs/access.log]\n"
        f"      format: {more.get('format', 'combined')}\n"
        "      access:\n"
        "        paths: ['/models/{model}/**']\n"
        f"        registry: {more['registry']}\n"
    )
    with pytest.raises(ConfigError, match=told) as caught:
        load_config(path)
    assert ":11" in str(caught.value) or "line 11" in str(caught.value)


def test_the_reason_of_a_gap() -> None:
    (gap,) = gaps(facts(None), parse_policy({"unused_days": 1}))
    assert gap.reason is GapReason.UNSUPPORTED
