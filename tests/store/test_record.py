"""Recording on both databases: what stays, what comes, what goes, and who may say so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from compline.findings.lifecycle import Policy
from compline.findings.regressions import RegressionKind
from compline.model import Failed, Gap, GapReason, Severity, Skipped, State
from compline.store.engine import StoreError
from compline.store.findings import finding_events, get_finding, list_findings
from compline.store.ledger import coverage
from compline.store.looks import base_revisions, last_looks, witness_paths

TEXT = "def f(x):\n    exec(x)\n    v1 = 1\n    exec(x)\n    v2 = 2\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}


def test_lines_moved_by_forty_are_the_same_findings_with_their_new_lines(
    site: Any, kit: Any
) -> None:
    site.night_of(kit.scan(A))
    before = site.ids()
    moved = {"a.py": "\n" * 40 + TEXT}
    recorded = site.night_of(kit.scan(moved), "c2", changes={"c1": kit.change(A, moved)})
    assert (recorded.opened, recorded.reopened, recorded.resolved) == ((), (), ())
    assert site.ids() == {(path, line + 40): name for (path, line), name in before.items()}
    assert site.worse() == ()


def test_a_renamed_file_has_the_same_findings(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    before = site.ids()
    moved = {"src/b.py": "# moved\n" + TEXT}
    renamed = kit.change(A, moved, renames={"a.py": "src/b.py"})
    site.night_of(kit.scan(moved), "c2", changes={"c1": renamed})
    assert site.ids() == {("src/b.py", line + 1): name for (_, line), name in before.items()}
    events = finding_events(site.store, before["a.py", 2])
    assert [event.kind for event in events] == ["opened", "moved"]


def test_an_equal_line_above_is_one_new_and_the_old_ones_stay(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    before = site.ids()
    more = {"a.py": TEXT.replace("def f(x):\n", "def f(x):\n    v0 = 0\n    exec(x)\n    v9 = 9\n")}
    recorded = site.night_of(kit.scan(more), "c2", changes={"c1": kit.change(A, more)})
    after = site.ids()
    assert recorded.opened == (after["a.py", 3],)
    assert recorded.resolved == ()
    assert [after["a.py", line] for line in (5, 7, 12)] == [
        before["a.py", line] for line in (2, 4, 9)
    ]
    (regression,) = site.worse()
    assert regression.regression.kind is RegressionKind.NEW
    assert regression.regression.subject == after["a.py", 3]
    assert not regression.routed


def test_ids_are_readable_and_random(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    names = [finding.id for finding in site.open()]
    assert len(set(names)) == 3
    assert all(len(name) == 16 and name.startswith("CMP-") for name in names)


def test_one_removed_resolves_exactly_that_one_and_comes_back_as_itself(
    site: Any, kit: Any
) -> None:
    site.night_of(kit.scan(A))
    before = site.ids()
    less = {"a.py": TEXT.replace("    v1 = 1\n    exec(x)\n", "    v1 = 1\n")}
    recorded = site.night_of(kit.scan(less), "c2", changes={"c1": kit.change(A, less)})
    assert recorded.resolved == (before["a.py", 4],)
    gone = get_finding(site.store, before["a.py", 4])
    assert (gone.state, gone.cause, gone.resolved_at) == (State.RESOLVED, "code", site.now)
    assert gone.last_seen == site.now - timedelta(days=1)
    assert [(place.path, place.line) for place in gone.locations] == [("a.py", 4)]
    back = site.night_of(kit.scan(A), "c3", changes={"c2": kit.change(less, A)})
    assert back.reopened == (before["a.py", 4],)
    assert site.ids() == before
    again = get_finding(site.store, before["a.py", 4])
    assert (again.state, again.cause, again.resolved_at) == (State.OPEN, "", None)
    events = finding_events(site.store, before["a.py", 4])
    assert [event.kind for event in events] == ["opened", "resolved", "reopened"]


def test_an_unchanged_night_writes_ledger_rows_only(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A), gaps=[Gap(GapReason.CRASHED, "x.py")])
    site.night_of(kit.scan(A), gaps=[Gap(GapReason.CRASHED, "x.py")])
    with site.store.reading() as connection:
        counts = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("ledger", "findings", "witnesses", "events", "regressions", "gap_sets")
        }
    assert counts == {
        "ledger": 2,
        "findings": 3,
        "witnesses": 3,
        "events": 3,
        "regressions": 1,  # the first look's summary
        "gap_sets": 1,
    }
    assert {finding.last_seen for finding in site.open()} == {site.now}
    assert {finding.first_seen for finding in site.open()} == {site.now - timedelta(days=1)}


def test_a_rerun_of_the_same_input_changes_nothing(site: Any, kit: Any) -> None:
    first = site.night_of(kit.scan(A))
    rows = coverage(site.store, site.run)
    before = list_findings(site.store)
    again = site.record(site.look(kit.scan(A)))
    assert [row.result for row in first.rows] == ["recorded"]
    assert [row.result for row in again.rows] == ["already"]
    assert again.opened == ()
    # Not even other input: the run has said what it saw.
    site.record(site.look(()))
    assert coverage(site.store, site.run) == rows
    assert list_findings(site.store) == before


@pytest.mark.parametrize("outcome", [Failed("killed"), Skipped("no Python")])
def test_what_did_not_look_closes_nothing(site: Any, kit: Any, outcome: Any) -> None:
    site.night_of(kit.scan(A))
    before = site.ids()
    site.night_of(outcome, "c2")
    assert site.ids() == before
    (row,) = coverage(site.store, site.run)
    assert row.outcome == type(outcome).__name__.lower()
    assert row.reason == getattr(outcome, "error", "") or outcome.reason
    # The next comparison starts from where somebody looked.
    assert base_revisions(site.store, "api") == {"bandit": "c1"}
    look = last_looks(site.store)["api", "bandit"]
    assert (look.outcome, look.revision) == (row.outcome, "c1")
    assert look.completed_at == site.now - timedelta(days=1)
    (told,) = site.worse(site.run)
    assert told.regression.kind is RegressionKind.COVERAGE_LOST
    assert told.regression.subject == "api/bandit"


def test_a_failed_look_can_be_taken_again_in_the_same_run(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    site.night_of(Failed("time-out"), "c2")
    assert len(site.worse(site.run)) == 1
    recorded = site.record(site.look(kit.scan(A), revision="c2"))
    assert [row.result for row in recorded.rows] == ["recorded"]
    (row,) = coverage(site.store, site.run)
    assert (row.outcome, row.reason) == ("completed", "")
    # Nobody was told yet, so nobody is.
    assert site.worse(site.run) == ()
    assert last_looks(site.store)["api", "bandit"].revision == "c2"


class TestCorrelation:
    def test_two_tools_on_one_line_are_one_finding_with_two_witnesses(
        self, site: Any, kit: Any
    ) -> None:
        site.next_night()
        site.record(
            site.look(kit.scan(A)),
            site.look(kit.scan(A, "semgrep", rule="dangerous-exec", cwe=("CWE-95",)), "semgrep"),
        )
        assert len(site.open()) == 3
        for finding in site.open():
            assert [(w.scanner, w.rule) for w in finding.witnesses] == [
                ("bandit", "exec-used"),
                ("semgrep", "dangerous-exec"),
            ]
            assert finding.cwe == ("CWE-78", "CWE-95")
        site.next_night()
        site.record(site.look((), scan_key=kit.other_key(rules="r2")))
        assert len(site.open()) == 3
        assert [w.state for w in site.open()[0].witnesses] == ["gone", "seen"]

    def test_an_advisory_in_two_manifests_is_one_finding(self, site: Any, kit: Any) -> None:
        both = [kit.advisory("a.txt"), kit.advisory("b.txt", severity=Severity.UNKNOWN)]
        site.night_of(both, scanner="pip-audit")
        (finding,) = site.open()
        assert [place.path for place in finding.locations] == ["a.txt", "b.txt"]
        assert finding.severity is Severity.HIGH
        assert (finding.package, finding.version, finding.fixed_version) == (
            "pypi:jinja2",
            "2.0",
            "3.1",
        )
        site.night_of(both[1:], scanner="pip-audit")
        (finding,) = site.open()
        assert [place.path for place in finding.locations] == ["b.txt"]
        assert finding.severity is Severity.UNKNOWN

    def test_a_late_alias_merges_with_a_redirect(self, site: Any, kit: Any) -> None:
        site.night_of([kit.advisory()], scanner="pip-audit")
        (older,) = (finding.id for finding in site.open())
        site.night_of([kit.advisory(rule="CVE-1", scanner="trivy")], scanner="trivy")
        younger = next(finding.id for finding in site.open() if finding.id != older)
        recorded = site.night_of([kit.advisory(aliases=("CVE-1",))], scanner="pip-audit")
        assert (recorded.opened, recorded.resolved, recorded.regressions) == ((), (), ())
        (finding,) = list_findings(site.store)
        assert finding.id == older
        assert {witness.scanner for witness in finding.witnesses} == {"pip-audit", "trivy"}
        assert get_finding(site.store, younger).id == older
        assert [event.kind for event in finding_events(site.store, younger)][-1] == "merged"


def test_suppressions_waive_only_by_policy(site: Any, kit: Any) -> None:
    quiet = kit.scan(A, suppression="nosec")
    site.night_of(quiet)
    assert len(site.open()) == 3
    assert site.open()[0].witnesses[0].suppression == "nosec"
    site.next_night()
    recorded = site.record(site.look(quiet), policy=Policy(honour_inline=True))
    assert recorded.resolved == ()
    assert [finding.conditions for finding in site.open()] == [("waived",)] * 3


def test_paths_that_carry_findings(site: Any, kit: Any) -> None:
    site.night_of(kit.scan({**A, "b.py": "pass", "lib/c.py": TEXT}))
    assert witness_paths(site.store, "api") == {"a.py", "lib/c.py"}


def test_hostile_text_is_stored(site: Any, kit: Any) -> None:
    title = "a\0b \N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE} <b>' --"
    site.night_of(kit.scan(A, title=title), warnings=("\0",), tool_version="1\0")
    assert site.open()[0].title == title.replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert site.open()[0].witnesses[0].title == title


def test_long_paths_and_subjects_are_stored_and_come_back(site: Any, kit: Any) -> None:
    letters = "".join(chr(0x1F300 + number * 7 % 700) for number in range(1_000))
    found = [
        *kit.scan({letters: TEXT}),
        kit.advisory(letters, subject=f"pypi:{letters}", scanner="bandit"),
        *kit.scan({letters: TEXT}, fingerprints=(), rule="whole-file"),
    ]
    site.night_of(found)
    before = {finding.id for finding in site.open()}
    site.night_of((), scan_key=kit.other_key(rules="r2"))
    site.night_of(found, scan_key=kit.other_key(rules="r3"))
    assert {finding.id for finding in site.open()} == before


def test_unknown_targets_are_an_error(site: Any, kit: Any) -> None:
    site.next_night()
    site.name = "nobody"
    with pytest.raises(StoreError, match="no target 'nobody': sync the targets first"):
        site.record(site.look(()))


def test_unknown_runs_are_an_error(site: Any) -> None:
    with pytest.raises(StoreError, match="no run 77: start it first"):
        site.record(site.look(()), run=77)


def test_looks_of_another_target_are_refused(site: Any) -> None:
    site.next_night()
    look = site.look(())
    site.name = "other"
    with pytest.raises(ValueError, match="a look at api is recorded with those of other"):
        site.record(look)
