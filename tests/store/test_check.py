"""`compline db check`: it holds for what Compline writes, and finds each thing that is broken."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from compline.model import Failed, Gap, GapReason
from compline.store.check import check, mend
from compline.store.engine import Store, open_store
from compline.store.invariants import INVARIANTS, MEND
from compline.store.schema import (
    deliveries,
    digest_entries,
    manifests,
    regressions,
    threads,
    waived,
    waivers,
)
from compline.store.schema import shards as shards_table

SOMETHING = "(SELECT min(id) FROM findings WHERE state = '{}' AND merged_into IS NULL)"
OPEN, RESOLVED = SOMETHING.format("open"), SOMETHING.format("resolved")
OTHER = "(SELECT max(id) FROM findings WHERE state = 'open' AND merged_into IS NULL)"
MERGED = "(SELECT min(id) FROM findings WHERE merged_into IS NOT NULL)"

BREAKING = {
    "open-is-seen": f"UPDATE witnesses SET state = 'gone' WHERE finding_id = {OPEN}",
    "resolved-is-gone": f"UPDATE witnesses SET state = 'unseen' WHERE finding_id = {RESOLVED}",
    "resolved-says-why": f"UPDATE findings SET cause = '' WHERE id = {RESOLVED}",
    "merged-leads-on": f"UPDATE findings SET merged_into = 'CMP-0' WHERE id = {MERGED}",
    "merged-is-empty": f"UPDATE witnesses SET finding_id = {MERGED} WHERE finding_id = {OPEN}",
    "parted-stay-apart": "INSERT INTO partings SELECT id, merged_into, 'me', first_seen"
    f" FROM findings WHERE id = {MERGED}",
    "witness-at-home": "UPDATE witnesses SET target_id = (SELECT id FROM targets WHERE name ="
    f" 'empty') WHERE finding_id = {OPEN}",
    "seen-has-no-end": "UPDATE witnesses SET last_seen = first_seen WHERE state = 'seen'",
    "opened-once": f"DELETE FROM events WHERE kind = 'opened' AND finding_id = {OPEN}",
    "every-change-told": f"DELETE FROM events WHERE kind = 'resolved' AND finding_id = {RESOLVED}",
    "merging-told": "DELETE FROM events WHERE kind = 'merged'",
    "rank-of-severity": f"UPDATE findings SET severity = 'info' WHERE id = {OPEN}",
    "scanners-named": f"UPDATE findings SET scanners = 'nobody' WHERE id = {OPEN}",
    "totals-agree": "UPDATE totals SET number = number + 1",
    "waived-agrees": "UPDATE findings SET waived_until = NULL",
    "heads-agree": "UPDATE heads SET looked_at = completed_at, run_id = 1 WHERE run_id > 1",
    "heads-were-scanned": "UPDATE heads SET scanned_run = (SELECT max(id) FROM runs)",
    "seen-by-a-look": "DELETE FROM heads WHERE scanner = 'pip-audit'",
    "facts-of-a-look": "INSERT INTO facts (target_id, scanner, tells, key, subject, title, value,"
    " rank, run_id, since) SELECT target_id, 'nobody', 'model-changed', 'x', 'x', '', 'x', 0,"
    " run_id, looked_at FROM heads LIMIT 1",
    "facts-are-told-once": "INSERT INTO regressions (run_id, target_id, scanner, kind, subject,"
    " title, detail, cause, at, routed) SELECT r.run_id, r.target_id, r.scanner,"
    " 'permission-widened', r.subject, r.title, r.detail, r.cause, r.at, r.routed"
    " FROM regressions r WHERE r.kind = 'new' AND r.target_id IS NOT NULL"
    " ORDER BY r.id LIMIT 1",
    "reused-was-scanned": "UPDATE ledger SET revision = 'elsewhere' WHERE reused_from IS NOT NULL",
    "finished-has-result": "UPDATE runs SET finished = started WHERE id = 1",
    "shards-under-lease": "UPDATE shards SET state = 'done'",
    "deliveries-under-lease": "UPDATE deliveries SET lease_owner = 'me'",
    "deliveries-have-threads": "DELETE FROM threads",
    "threads-have-regressions": "UPDATE threads SET about = 'CMP-0'",
    "waiting-is-routed": "UPDATE regressions SET routed = false",
    "chain-is-whole": "DELETE FROM manifests WHERE number = 2",
}


def broken(store: Store) -> set[str]:
    return {one.invariant.name for one in check(store) if one.broken}


@pytest.fixture
def lived(store: Store, kit: Any) -> Store:
    """A store in which everything has happened once."""
    site, twin = kit.site(store), kit.site(store, "empty")
    from compline.store.targets import sync_targets

    sync_targets(store, [site.target, twin.target], kit.start)
    lines = "".join(f"exec(a{n})\n" for n in range(12))
    site.night_of(kit.scan({"a.py": lines, "b.py": "exec(b)\n"}))
    rules = {"scan_key": kit.other_key(rules="r2")}
    site.night_of(kit.scan({"a.py": lines}), **rules)  # b.py's is resolved
    advisories = [kit.advisory(), kit.advisory(rule="CVE-1")]
    site.record(site.look(advisories, "pip-audit"))
    site.night_of(Failed("no network"), scanner="pip-audit")
    joined = [kit.advisory(aliases=("CVE-1",)), kit.advisory(rule="CVE-1", aliases=("GHSA-1",))]
    site.night_of(joined, "c2", "pip-audit")  # two turn out to be one
    site.night_of(kit.scan({"a.py": lines}), gaps=[Gap(GapReason.UNPARSED, "a.py")], **rules)
    site.night_of(kit.scan({"a.py": lines, "c.py": "exec(c)\n"}), "c3", **rules)
    with store.writing() as connection:
        connection.execute(
            text("UPDATE runs SET finished = started, result = 'findings' WHERE id > 1")
        )
    later_rows(store, site)
    return store


def later_rows(store: Store, site: Any) -> None:
    """What other tests show being made: here it only has to stand."""
    from compline.store.record import Reuse, record_reused

    site.next_night()
    [refused] = [
        record_reused(
            store,
            site.run,
            [Reuse("api", "pip-audit", "c2", site.key.digest)],
            looked_at=site.now,
            now=site.now,
        )
    ]
    assert not refused
    with store.writing() as connection:
        [finding] = connection.execute(
            text("SELECT id FROM findings WHERE state = 'open' AND merged_into IS NULL LIMIT 1")
        ).scalars()
        connection.execute(
            insert(regressions).values(
                run_id=site.run,
                target_id=1,
                scanner="bandit",
                kind="new",
                subject=finding,
                severity="high",
                title="t",
                detail="d",
                at=site.now,
                routed=True,
            )
        )
        number = connection.execute(text("SELECT max(id) FROM regressions")).scalar_one()
        connection.execute(text("UPDATE regressions SET routed = true"))
        connection.execute(
            insert(digest_entries).values(
                channel="mail", rule="all", regression_id=number, due_at=site.now
            )
        )
        connection.execute(
            insert(threads).values(
                channel="mail",
                subject=finding,
                rule="all",
                kind="new",
                about=finding,
                target="api",
                scanner="bandit",
                severity="high",
                title="t",
                root="d1",
                state="open",
                opened_at=site.now,
                last_sent_at=site.now,
                reminders=0,
            )
        )
        connection.execute(
            insert(deliveries).values(
                id="d1",
                run_id=site.run,
                channel="mail",
                subject=finding,
                thread="d1",
                payload={},
                state="pending",
                attempts=0,
                not_before=site.now,
                error="",
                created_at=site.now,
            )
        )
        connection.execute(
            insert(waivers).values(
                id="WVR-1",
                source="cli",
                selector={},
                reason="r",
                owner="o",
                requester="o",
                approver="",
                origin={},
                created_at=site.now,
                expires_at=site.now + timedelta(days=9),
                state="active",
                ended_by="",
                finding_id=finding,
            )
        )
        connection.execute(
            insert(waived).values(
                waiver_id="WVR-1",
                finding_id=finding,
                since=site.now,
                rank=3,
                code=[],
                void_reason="",
            )
        )
        connection.execute(
            text(
                "UPDATE findings SET waived_until = (SELECT expires_at FROM waivers)"
                " WHERE id = :finding"
            ),
            {"finding": finding},
        )
        connection.execute(
            insert(shards_table).values(
                run_id=site.run,
                number=0,
                payload={},
                state="pending",
                attempts=0,
                planned_at=site.now,
            )
        )
        for number in (1, 2, 3):
            connection.execute(
                insert(manifests).values(
                    number=number, kind="run", run_id=number, digest=f"m{number}",
                    previous=f"m{number - 1}" if number > 1 else "", at=site.now, signature="",
                    signer="",
                )
            )  # fmt: skip


def test_what_compline_writes_holds(lived: Store) -> None:
    checked = list(check(lived))
    assert [one for one in checked if one.broken] == []
    expected = {one.name for one in INVARIANTS if one.sql(lived.dialect) is not None}
    assert {one.invariant.name for one in checked} == expected


def test_every_invariant_can_be_broken() -> None:
    """By a statement of this file, or by one of the two tests below."""
    assert {one.name for one in INVARIANTS} == {*BREAKING, "file", "references"}


@pytest.mark.parametrize("name", BREAKING)
def test_it_is_found(lived: Store, name: str) -> None:
    with lived.writing() as connection:
        done = connection.execute(text(BREAKING[name]))
        assert done.rowcount, "the statement breaks nothing"
    assert name in broken(lived)
    [found] = [one for one in check(lived) if one.invariant.name == name]
    assert found.examples
    assert "=" in found.examples[0]


def test_a_reference_that_leads_nowhere(sqlite_store: Store, kit: Any, tmp_path: Any) -> None:
    site = kit.site(sqlite_store)
    site.night_of(kit.scan({"a.py": "exec(a)\n"}))
    assert broken(sqlite_store) == set()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    assert "references" in broken(sqlite_store)


def test_a_damaged_file(sqlite_store: Store, kit: Any, tmp_path: Any) -> None:
    site = kit.site(sqlite_store)
    site.night_of(kit.scan({"a.py": "exec(a)\n" * 400}))
    sqlite_store.close()
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute(
            "SELECT max(pageno) FROM dbstat WHERE name = 'ix_witnesses_target_id_key'"
        ).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * 64)
    with open_store(f"sqlite:///{path}") as again:
        assert "file" in broken(again)


def test_what_is_derived_can_be_mended(lived: Store) -> None:
    derived = {one.name for one in INVARIANTS if one.remedy == MEND}
    assert derived == {"scanners-named", "totals-agree", "waived-agrees"}
    with lived.writing() as connection:
        for name in sorted(derived):
            connection.execute(text(BREAKING[name]))
    assert derived <= broken(lived)
    mend(lived)
    assert broken(lived) == set()
