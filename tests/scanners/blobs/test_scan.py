"""Many trees at once: known results, new contents, what is left out, what is no result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from looks import places

from compline.config.schema import Config, Limits
from compline.model import (
    Completed,
    Failed,
    Gap,
    GapReason,
    Look,
    Place,
    ScanKey,
    Target,
    TargetKind,
)
from compline.scanners.blobs import scan as scan_module
from compline.scanners.interface import Job, ScanContext
from compline.source.snapshot import SourceError


def gaps(look: Look) -> list[Gap]:
    assert isinstance(look.outcome, Completed), look.outcome
    return list(look.outcome.gaps)


def test_findings_are_placed_at_every_path_that_has_the_content(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    same = "fine\nbad\n"
    first = git_repository({"a.txt": same, "deep/b.txt": same, "c.txt": "fine\n"}, "first")
    second = git_repository({"copy.txt": same, "d.txt": "bad\n"}, "second")
    found = looks(first.job(), second.job())
    assert places(found["first"]) == [("a.txt", 2), ("deep/b.txt", 2)]
    assert places(found["second"]) == [("copy.txt", 2), ("d.txt", 1)]
    assert finder.scanned == ["bad\n", "fine\n", same]
    look = found["first"]
    assert isinstance(look.outcome, Completed)
    assert look.outcome.observations[0].place == Place(
        "a.txt", line=2, end_line=2, blob=first.blob("a.txt")
    )
    assert (look.fresh, look.sandbox, look.tool_version, look.warnings) == (
        True,
        "limits",
        "1.0",
        (),
    )


def test_the_same_content_is_never_scanned_twice(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "b.txt": "fine\n", "script": "no script"})
    first = looks(shop.job())["shop"]
    runs = len(finder.runs)
    again = looks(shop.job())["shop"]
    assert len(finder.runs) == runs
    assert again.outcome == first.outcome
    assert (again.fresh, again.sandbox) == (False, "")
    shop.commit({"a.txt": None, "moved/c.txt": "bad\n", "new.txt": "bad bad\n"})
    moved = looks(shop.job())["shop"]
    assert places(moved) == [("moved/c.txt", 1), ("new.txt", 1)]
    assert finder.runs[runs:] == [["bad bad\n"]]
    assert not moved.fresh


def test_another_key_or_a_fresh_job_scans_anew(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n"})
    looks(shop.job())
    looks(shop.job(), key=ScanKey("tool", "2"))
    assert finder.scanned == ["bad\n"] * 2
    look = looks(shop.job(fresh=True))["shop"]
    assert look.fresh
    assert finder.scanned == ["bad\n"] * 3


def test_a_fresh_job_takes_what_the_same_call_has_scanned(
    looks: Any, finder: Any, git_repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "_WAVE_BYTES", 1)
    one = git_repository({"a.txt": "bad\n"}, "one")
    two = git_repository({"b.txt": "bad\n"}, "two")
    looks(one.job(fresh=True), two.job(fresh=True))
    assert finder.scanned == ["bad\n"]


def test_waves_give_the_same_as_one(
    looks: Any, git_repository: Any, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    repositories = [
        git_repository({"a.txt": f"{n}\nbad\n", "b.txt": "bad\n"}, f"r{n}") for n in range(4)
    ]
    whole = looks(*(each.job() for each in repositories))
    monkeypatch.setattr(scan_module, "_WAVE_BYTES", 1)
    waves = looks(*(each.job() for each in repositories), key=ScanKey("tool", "2"))
    assert {n: look.outcome for n, look in waves.items()} == {
        n: look.outcome for n, look in whole.items()
    }


def test_what_the_configuration_leaves_out_is_counted(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository(
        {
            "a.txt": "bad\n",
            "web/node_modules/x/y.txt": "bad 1\n",
            "web/node_modules/z.txt": "bad 2\n",
            "web/node_modules/picture.png": "bad 3\n",
            "vendor/v.txt": "bad 4\n",
            "lib/third_party_notes.txt": "fine\n",
        }
    )
    look = looks(shop.job())["shop"]
    assert places(look) == [("a.txt", 1)]
    detail = "left out by `ignore` in the configuration"
    assert gaps(look) == [
        Gap(GapReason.VENDORED, "vendor/", detail, 1),
        Gap(GapReason.VENDORED, "web/node_modules/", detail, 2),
    ]
    assert finder.scanned == ["bad\n", "fine\n"]


def test_what_the_source_left_out_is_a_gap_if_it_was_for_this_scanner(
    looks: Any, git_repository: Any
) -> None:
    limits = Limits(file_kb=1)
    shop = git_repository(
        {"big.txt": "x" * 2000, "big.png": "y" * 2000, "a.txt": "bad\n"}, limits=limits
    )
    look = looks(shop.job())["shop"]
    assert [(gap.reason, gap.path) for gap in gaps(look)] == [(GapReason.TOO_LARGE, "big.txt")]


def test_a_missing_object_is_a_gap_unless_another_tree_has_it(
    looks: Any, git_repository: Any
) -> None:
    broken = git_repository({"a.txt": "bad\n", "b.txt": "bad too\n"}, "broken")
    jobs = [broken.job()]
    snapshot = jobs[0].open_snapshot()
    broken.lose("a.txt")
    jobs[0].open_snapshot = lambda: snapshot
    look = looks(*jobs)["broken"]
    assert places(look) == [("b.txt", 1)]
    assert gaps(look) == [Gap(GapReason.MISSING_OBJECT, "a.txt")]
    whole = git_repository({"z.txt": "bad\n"}, "whole")
    found = looks(*jobs, whole.job())
    assert places(found["broken"]) == [("a.txt", 1), ("b.txt", 1)]


def test_a_source_that_cannot_be_opened_fails_alone(looks: Any, git_repository: Any) -> None:
    def refuse() -> Any:
        raise SourceError("the remote refused: set a credential")

    target = Target(TargetKind.REPOSITORY, "private", "https://example.org/private")
    shop = git_repository({"a.txt": "bad\n"})
    found = looks(Job(target, "f" * 40, open_snapshot=refuse), shop.job())
    assert found["private"].outcome == Failed("the remote refused: set a credential")
    assert places(found["shop"]) == [("a.txt", 1)]


def test_a_source_that_fails_while_it_is_read_fails_alone(looks: Any, git_repository: Any) -> None:
    class Torn:
        def __init__(self, snapshot: Any) -> None:
            self.entries, self.gaps, self._snapshot = snapshot.entries, snapshot.gaps, snapshot

        def read(self, oids: Any) -> Any:
            yield next(self._snapshot.read(oids))
            raise SourceError("git took too long")

    torn = git_repository({"a.txt": "bad\n", "b.txt": "bad bad\n"}, "torn")
    job = torn.job()
    snapshot = Torn(job.open_snapshot())
    job.open_snapshot = lambda: snapshot
    shop = git_repository({"c.txt": "bad\n", "d.txt": "bad bad\n"})
    found = looks(job, shop.job())
    assert found["torn"].outcome == Failed("git took too long")
    assert places(found["shop"]) == [("c.txt", 1), ("d.txt", 1)]


def test_a_file_that_is_not_reported_is_a_gap_and_not_remembered(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "b.txt": "mute bad\n"})
    for _ in range(2):
        look = looks(shop.job())["shop"]
        assert places(look) == [("a.txt", 1)]
        assert gaps(look) == [Gap(GapReason.NOT_REPORTED, "b.txt")]
    assert finder.scanned.count("mute bad\n") == 2
    assert finder.scanned.count("bad\n") == 1


def test_a_tool_that_reports_nothing_as_looked_at_has_failed(
    looks: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "mute\n", "b.txt": "mute bad\n"}, "shop")
    other = git_repository({"a.txt": "bad\n"}, "other")
    found = looks(shop.job(), other.job())
    assert found["shop"].outcome == Failed(
        "word-finder does not report any of the 2 files that it was given as looked at"
    )
    assert places(found["other"]) == [("a.txt", 1)]


def test_gaps_that_do_not_last_are_not_remembered_and_others_are(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"slow.txt": "slow bad\n", "odd.txt": "odd bad\n"})
    for _ in range(2):
        look = looks(shop.job())["shop"]
        assert places(look) == [("odd.txt", 1), ("slow.txt", 1)]
        assert gaps(look) == [
            Gap(GapReason.UNPARSED, "odd.txt", "odd"),
            Gap(GapReason.CRASHED, "slow.txt", "slow"),
        ]
    assert finder.scanned == ["odd bad\n", "slow bad\n", "slow bad\n"]


def test_a_rule_that_is_not_meant_for_a_path_is_left_out_there_only(
    looks: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "allowed/b.txt": "bad\n"})
    assert places(looks(shop.job())["shop"]) == [("a.txt", 1)]


def test_a_tree_with_nothing_for_the_tool_is_completed_and_says_so(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    look = looks(git_repository({"a.png": "bad\n"}).job())["shop"]
    assert look.outcome == Completed(())
    assert look.warnings == ("no text",)
    assert finder.runs == []


def test_names_without_a_suffix_are_decided_by_content_once(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"run": "#!bad\n", "LICENSE": "bad\n"})
    for _ in range(2):
        assert places(looks(shop.job())["shop"]) == [("run", 1)]
    assert finder.scanned == ["#!bad\n"]


def test_evidence_says_what_was_looked_at(
    looks: Any, context_: ScanContext, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "b.txt": "fine\n"})
    first = looks(shop.job())["shop"]
    (digest,) = first.evidence
    report = context_.evidence.get(digest).decode()
    assert '"files":{"count":2,' in report
    assert f'"revision":"{first.revision}"' in report
    assert "bad-word" not in report  # that is in the look's statement
    shop.commit({"b.txt": "as fine\n"})
    assert looks(shop.job())["shop"].evidence != first.evidence


Contexts = Callable[..., ScanContext]


def test_other_exclusions_come_from_the_configuration(
    looks: Any, context: Contexts, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "made/b.txt": "bad bad\n"})
    within = context(None, ignore={"vendored": [], "generated": ["made/*"]})
    assert isinstance(within.config, Config)
    look = looks(shop.job(), within=within)["shop"]
    assert places(look) == [("a.txt", 1)]
    assert [(gap.reason, gap.path) for gap in gaps(look)] == [(GapReason.GENERATED, "made/b.txt")]
