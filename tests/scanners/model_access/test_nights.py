"""Night after night: what is told, how often, what a killed scan, a rotation, silence does."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed, Skipped, Target, TargetKind
from compline.scanners.access.scanner import ModelAccess
from compline.scanners.interface import Job

Line = Callable[..., str]


def test_what_is_out_of_habit_is_told(proxy: Any, habit: str, line: Line) -> None:
    proxy.write("access.log", habit, day=29)
    assert proxy.found(proxy.look(29)) == set()
    theft = [
        line("ann", 30, 10, size=1 << 30),
        line("ann", 30, 3),
        line("eve", 30),
        line("bob", 30),
        line("-", 30),
    ]
    proxy.write("access.log", "".join(theft), day=30)
    assert proxy.found(proxy.look(30)) == {
        ("volume-beyond-habit", "principal/ann model/fraud"),
        ("unusual-hour", "principal/ann model/*"),
        ("new-principal", "principal/eve model/fraud"),
        ("new-principal", "principal/bob model/fraud"),
        ("anonymous-download", "principal/anonymous model/fraud"),
    }


def test_many_models_at_once_over_midnight(proxy: Any, habit: str, line: Line) -> None:
    theft = line("ann", 30, 23, "m") + "".join(line("ann", 31, 0, f"n{n}") for n in range(4))
    proxy.write("access.log", habit + theft, day=31)
    look = proxy.look(31, many_models=4, allowed=["bob"])
    assert ("many-models", "principal/ann model/*") in proxy.found(look)
    rules = {rule for rule, _ in proxy.found(proxy.look(31, many_models=6, timezone="UTC"))}
    assert "many-models" in rules  # what was told stays


def test_learning_is_a_gap_and_hides_no_anonymous_download(proxy: Any, line: Line) -> None:
    proxy.write("access.log", line("ann", 0) + line("-", 1) + line("eve", 1), day=1)
    look = proxy.look(1)
    assert proxy.gaps(look) == {"habits": "partial"}
    assert {rule for rule, _ in proxy.found(look)} == {"anonymous-download"}
    assert proxy.found(proxy.look(1, allowed=["anonymous"])) == set()


def test_fixed_quiet_hours_need_no_learning(proxy: Any, line: Line) -> None:
    proxy.write("access.log", line("ann", 0, 21) + line("bob", 0, 5), day=0)
    look = proxy.look(0, quiet_hours="22-06")
    assert proxy.found(look) == {("quiet-hours", "principal/bob model/fraud")}


def test_an_event_stays_for_keep_days_and_no_longer(proxy: Any, habit: str, line: Line) -> None:
    theft = ("new-principal", "principal/eve model/fraud")
    proxy.write("access.log", habit + line("eve", 30), day=30)
    assert proxy.found(proxy.look(30, keep_days=7)) == {theft}
    for day in range(31, 45):
        proxy.write("access.log", line("ann", day), day=day)
        told = proxy.found(proxy.look(day, keep_days=7))
        assert told == ({theft} if day < 37 else set()), day


def test_a_principal_that_becomes_allowed_is_told_no_more(
    proxy: Any, habit: str, line: Line
) -> None:
    proxy.write("access.log", habit + line("eve", 30), day=30)
    assert proxy.found(proxy.look(30))
    assert proxy.found(proxy.look(30, allowed=["e*"])) == set()


def test_every_download_counts_once(proxy: Any, line: Line) -> None:
    path = proxy.write("access.log", line("ann", 0) * 2, day=0)
    proxy.look(0, kept=False)  # killed before it was recorded
    proxy.look(0)
    proxy.look(0)
    assert proxy.cells() == {"ann fraud": [2]}
    proxy.write("access.log", line("ann", 1) * 3 + line("ann", 1)[:20], day=1)
    os.utime(path, (now := 1767405600 - 600, now))  # an unfinished line, written just now
    proxy.look(1)
    assert proxy.cells() == {"ann fraud": [2, 3]}
    path.rename(proxy.folder / "access.log.1")
    with (proxy.folder / "access.log.1").open("a") as file:
        file.write(line("ann", 1)[20:])
    proxy.write("access.log", line("ann", 2), day=2)
    proxy.look(2)
    assert proxy.cells() == {"ann fraud": [2, 4, 1]}
    old = proxy.folder / "access.log.1"
    (proxy.folder / "access.log.1.gz").write_bytes(gzip.compress(old.read_bytes()))
    proxy.look(2)  # both are there
    old.unlink()
    proxy.look(2)
    assert proxy.cells() == {"ann fraud": [2, 4, 1]}


def test_a_copy_that_is_truncated_counts_once(proxy: Any, line: Line) -> None:
    path = proxy.write("access.log", line("ann", 0) * 100, day=0)
    proxy.look(0)
    proxy.write("access.log", line("ann", 1), day=1)
    proxy.write("access.log.1", path.read_text(), day=1)
    path.write_text("")
    proxy.write("access.log", line("bob", 1), day=1)
    proxy.look(1)
    assert proxy.cells() == {"ann fraud": [100, 1], "bob fraud": [1]}


def test_what_a_night_cannot_read_is_a_gap_and_read_the_next(
    proxy: Any, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.write("a.log", line("ann", 0) * 12000, day=0)
    proxy.write("b.log", line("bob", 1) * 5, day=1)
    settings = proxy.scene.context

    def small(tools: Any, **more: Any) -> Any:
        return settings(tools, scanners={"model-access": {"read_mb": 1}}, **more)

    monkeypatch.setattr(proxy.scene, "context", small)
    first = proxy.look(1)
    assert proxy.gaps(first) | {"habits": ""} == {
        "a.log": "truncated",
        "": "truncated",
        "habits": "",
    }
    proxy.look(1)
    assert proxy.cells() == {"ann fraud": [12000], "bob fraud": [5]}


def test_a_damaged_archive_counts_not_at_all(proxy: Any, line: Line) -> None:
    whole = gzip.compress((line("ann", 0) * 5000).encode())
    proxy.write("access.log", line("ann", 1), day=1)
    (proxy.folder / "access.log.1.gz").write_bytes(whole[:-20])
    look = proxy.look(1)
    assert proxy.gaps(look)["access.log.1.gz"] == "truncated"
    assert proxy.cells() == {"ann fraud": [1]}
    (proxy.folder / "access.log.1.gz").write_bytes(whole)
    proxy.look(1)
    assert proxy.cells() == {"ann fraud": [5000, 1]}


def test_lines_of_another_format(proxy: Any, line: Line) -> None:
    path = proxy.write("access.log", "hello\n" * 10, day=0)
    look = proxy.look(0)
    assert isinstance(look.outcome, Failed)
    assert "none of 10 new lines" in look.outcome.error
    proxy.write("access.log", line("ann", 0) * 500, day=0)
    assert proxy.gaps(proxy.look(0))["access.log"] == "unparsed"
    path.write_text("")
    proxy.write("access.log", "hello\n" + line("ann", 0) * 500, day=0)
    assert "access.log" not in proxy.gaps(proxy.look(0))


def test_silence_is_failed_but_what_came_before_it_is_told(
    proxy: Any, habit: str, line: Line
) -> None:
    proxy.write("access.log", habit + line("eve", 30), day=30)
    look = proxy.look(33)
    assert proxy.gaps(look) == {"": "truncated"}
    assert proxy.found(look)
    look = proxy.look(33)
    assert isinstance(look.outcome, Failed)
    assert "nothing was logged since 2026-01-31 23:00" in look.outcome.error
    assert isinstance(proxy.look(33, silent_hours=0).outcome, Completed)


def test_no_file_and_no_model(proxy: Any, line: Line) -> None:
    assert isinstance(proxy.look(0).outcome, Failed)
    proxy.write("access.log", line("ann", 0).replace("/models/", "/other/"), day=0)
    outcome = proxy.look(0).outcome
    assert "`access.paths`" in str(outcome.gaps)


def test_a_plain_log_is_skipped(proxy: Any, scene: Any) -> None:
    target = Target(TargetKind.LOG, "plain", "x", settings={"files": ["x"], "format": "plain"})
    (look,) = ModelAccess().scan([Job(target, "")], scene.context(None))
    assert isinstance(look.outcome, Skipped)


def test_other_settings_learn_anew_and_keep_what_was_told(
    proxy: Any, habit: str, line: Line
) -> None:
    proxy.write("access.log", habit + line("eve", 30), day=30)
    told = proxy.found(proxy.look(30))
    look = proxy.look(30, addresses="none")
    assert proxy.gaps(look) == {"habits": "partial"}
    assert proxy.found(look) == told
    assert proxy.cells()["ann fraud"] == [1] * 30


def test_a_memory_that_cannot_be_read_is_no_crash(proxy: Any, habit: str) -> None:
    proxy.write("access.log", habit, day=29)
    for memory in (b"{", b"{}", json.dumps({"format": 1, "events": 3}).encode()):
        proxy.memory = memory
        assert proxy.gaps(proxy.look(29)) == {"habits": "partial"}


def test_nothing_secret_is_kept(proxy: Any, line: Line) -> None:
    secret = "X-Amz-Signature=feedbeef&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/x&x=%22"
    lines = line("-", 0).replace("w.bin ", f"w.bin?{secret} ") + line("ann", 0)
    proxy.write("access.log", lines, day=0)
    look = proxy.look(0)
    evidence = b"".join(proxy.scene.context(None).evidence.get(one) for one in look.evidence)
    for place in (repr(look), evidence.decode(), (proxy.memory or b"").decode()):
        assert "192.0.2.77" not in place
        for part in ("feedbeef", "AKIAIOSF", "X-Amz"):
            assert part not in place


@pytest.mark.parametrize(
    ("name", "pairs", "gaps"),
    [
        ("mlflow-uvicorn.log", 2, {"habits": "partial", "principals": "unsupported"}),
        ("mlflow-gunicorn.log", 2, {"habits": "partial"}),
    ],
)
def test_what_a_real_mlflow_wrote(proxy: Any, name: str, pairs: int, gaps: dict[str, str]) -> None:
    """Version 3.17.2 with basic-auth; four downloads, two of them by the model's name."""
    golden = Path(__file__).with_name("golden") / name
    proxy.write("server.log", golden.read_text(), day=326)
    look = proxy.look(326, kind="mlflow")
    assert proxy.gaps(look) == gaps
    assert len(proxy.cells()) == pairs
    assert sorted(sum(days) for days in proxy.cells().values()) == [1, 3]
    assert proxy.found(look) == set()


def test_a_copy_of_what_has_grown_since_counts_once(proxy: Any, line: Line) -> None:
    path = proxy.write("access.log", line("ann", 0) * 60, day=0)
    proxy.look(0)
    copy = proxy.folder / "old.gz"
    copy.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(copy, (1767225600, 1767225600))
    proxy.write("access.log", line("ann", 1), day=1)
    proxy.look(1)
    os.utime(copy, (1767225601, 1767225601))
    proxy.look(1)
    assert proxy.cells() == {"ann fraud": [60, 1]}
