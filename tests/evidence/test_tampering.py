"""Verification finds every kind of change, and says which."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from typer.testing import CliRunner, Result

from compline.cli.evidence import app
from compline.evidence.chain import make_link
from compline.evidence.signing import new_key
from compline.pipeline.manifest import link_of, signer_of
from compline.pipeline.verify import Verified, verify
from compline.store.manifests import manifest_rows
from compline.store.schema import evidence, gap_sets, ledger, manifests, runs, scan_keys

FORGED = {"run": {"id": 2}, "ledger": [], "scan_keys": {}, "gap_sets": {}}


@pytest.fixture
def nights(archive: Any, kit: Any, keys: Any) -> Any:
    """Three signed nights; every one of them verifies."""
    archive.sections["evidence"] = {"signing_key": "env:SIGNING_KEY"}
    archive.environment["SIGNING_KEY"] = keys[0]
    archive.run(kit.seen())
    archive.run(kit.seen(), kit.seen(9, "c" * 32), gaps=[kit.gap])
    archive.run(kit.seen())
    with archive.session() as session:
        assert verify(session).problems == ()
    return archive


def problems(nights: Any, *changes: Any) -> list[tuple[str, str]]:
    """What is found after the changes to the store."""
    with nights.session() as session:
        with session.store.writing() as connection:
            for change in changes:
                connection.execute(change)
        found = verify(session)
    return [(problem.kind, problem.what) for problem in found.problems]


def documents(nights: Any) -> list[Path]:
    return sorted(
        path for path in (nights.home / "evidence").rglob("*.gz") if path.parent.name != "manifests"
    )


def links(nights: Any) -> list[Path]:
    return sorted((nights.home / "evidence" / "manifests").glob("*.gz"))


def test_a_changed_document(nights: Any) -> None:
    file = documents(nights)[0]
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + b" "))
    assert problems(nights) == [("changed", f"evidence {file.stem}")]


def test_a_missing_document(nights: Any) -> None:
    file = documents(nights)[0]
    file.unlink()
    assert problems(nights) == [("missing", f"evidence {file.stem}")]


def test_documents_in_each_others_places(nights: Any) -> None:
    one, two = documents(nights)[:2]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert sorted(problems(nights)) == sorted(
        [("changed", f"evidence {one.stem}"), ("changed", f"evidence {two.stem}")]
    )


def test_a_changed_manifest(nights: Any) -> None:
    file = links(nights)[1]
    body = json.loads(gzip.decompress(file.read_bytes()))
    body["said"]["ledger"][0]["observations"] = 0
    file.write_bytes(gzip.compress(json.dumps(body).encode()))
    assert ("changed", "manifest 2") in problems(nights)


def test_a_missing_manifest(nights: Any) -> None:
    links(nights)[1].unlink()
    assert problems(nights) == [("missing", "manifest 2")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("outcome", "skipped"),
        ("result", "superseded"),
        ("reason", "it was nothing"),
        ("revision", "elsewhere"),
        ("observations", 0),
        ("files", 7),
        ("reused_from", 1),
        ("gap_set", None),
        ("scan_key", None),
        ("fresh", False),
        ("warnings", ["all is well"]),
        ("looked_at", None),
    ],
)
def test_a_changed_ledger_row(nights: Any, column: str, value: Any) -> None:
    value = nights.now if column == "looked_at" else value
    change = update(ledger).where(ledger.c.run_id == 2).values({column: value})
    assert ("changed", "ledger run 2 api/bandit") in problems(nights, change)


def test_a_missing_ledger_row(nights: Any) -> None:
    gone = delete(ledger).where(ledger.c.run_id == 2)
    assert problems(nights, gone) == [("missing", "ledger run 2 api/bandit")]


def test_an_added_ledger_row(nights: Any) -> None:
    names = [column.name for column in ledger.columns]
    chosen = ", ".join("'semgrep'" if name == "scanner" else name for name in names)
    added = text(
        f"INSERT INTO ledger ({', '.join(names)}) SELECT {chosen} FROM ledger WHERE run_id = 2"
    )
    assert problems(nights, added) == [("added", "ledger run 2 api/semgrep")]


def test_evidence_that_a_row_no_longer_names(nights: Any) -> None:
    gone = delete(evidence).where(evidence.c.run_id == 2)
    assert problems(nights, gone) == [("changed", "ledger run 2 api/bandit")]


def test_changed_gaps_and_scan_keys(nights: Any) -> None:
    gaps = update(gap_sets).values(body="[]")
    found = problems(nights, gaps)
    assert {kind for kind, _ in found} == {"changed"}
    assert any(what.startswith("gap set ") for _, what in found)
    keys = update(scan_keys).values(rules="others")
    assert any(what.startswith("scan key ") for _, what in problems(nights, keys))


def test_a_changed_result_of_a_run(nights: Any) -> None:
    change = update(runs).where(runs.c.id == 2).values(result="clean")
    assert problems(nights, change) == [("changed", "run 2")]


def test_a_link_that_was_taken_out(nights: Any) -> None:
    gone = delete(manifests).where(manifests.c.number == 2)
    assert ("missing", "manifest 2") in problems(nights, gone)


def test_the_last_link_taken_out(nights: Any) -> None:
    """Its file, its run, or the head that somebody wrote down tells."""
    gone = delete(manifests).where(manifests.c.number == 3)
    assert problems(nights, gone) == [
        ("missing", "manifest 3"),
        ("missing", "manifest of run 3"),
    ]
    links(nights)[2].unlink()
    assert problems(nights) == [("missing", "manifest of run 3")]


def test_everything_at_the_end_taken_out_is_told_by_a_head_written_down(nights: Any) -> None:
    with nights.session() as session:
        head = verify(session).head
    links(nights)[2].unlink()
    tables = (evidence, ledger, manifests)
    problems(nights, *(delete(each).where(each.c.run_id == 3) for each in tables))
    with nights.session() as session, session.store.writing() as connection:
        for name in ("events", "regressions"):
            connection.exec_driver_sql(f"DELETE FROM {name} WHERE run_id = 3")
        connection.exec_driver_sql("UPDATE heads SET run_id = 2, scanned_run = 2")
        connection.exec_driver_sql("UPDATE findings SET resolved_run = 2 WHERE resolved_run = 3")
        connection.execute(delete(runs).where(runs.c.id == 3))
    with nights.session() as session:
        assert verify(session).problems == ()
        (problem,) = verify(session, expect=head).problems
    assert (problem.kind, problem.what) == ("missing", "manifest 3")


def test_links_in_another_order(nights: Any) -> None:
    with nights.session() as session:
        _, two, three = manifest_rows(session.store)
    for number, row in ((8, two), (2, three), (3, two)):
        with nights.session() as session, session.store.writing() as connection:
            connection.execute(
                update(manifests).where(manifests.c.digest == row.digest).values(number=number)
            )
    assert ("reordered", "manifest 2") in problems(nights)


def test_a_chain_made_anew_without_the_key(nights: Any) -> None:
    """Whoever can write everything, and has no key, cannot hide it."""
    with nights.session() as session:
        rows = manifest_rows(session.store)
        link, content = make_link(link_of(rows[0]), "run", 2, FORGED, nights.now, None)
        session.evidence.put_manifest(2, content)
        forged = (
            update(manifests)
            .where(manifests.c.number == 2)
            .values(digest=link.digest, signature="", signer="", at=nights.now)
        )
    found = problems(nights, forged)
    assert ("signature", "manifest 2") in found
    assert ("reordered", "manifest 3") in found
    assert ("added", "ledger run 2 api/bandit") in found


@pytest.mark.parametrize("said", [{}, {"run": 2}, {**FORGED, "ledger": [{"target": "api"}]}, []])
def test_a_manifest_of_nonsense_is_told_and_breaks_nothing(nights: Any, said: Any) -> None:
    with nights.session() as session:
        rows = manifest_rows(session.store)
        link, content = make_link(link_of(rows[0]), "run", 2, said, nights.now, None)
        session.evidence.put_manifest(2, content)
    forged = (
        update(manifests)
        .where(manifests.c.number == 2)
        .values(digest=link.digest, signature="", signer="", at=nights.now)
    )
    assert ("changed", "manifest 2") in problems(nights, forged)


def test_signatures(nights: Any, tmp_path: Path) -> None:
    broken = update(manifests).where(manifests.c.number == 2).values(signature="00" * 64)
    assert problems(nights, broken) == [("signature", "manifest 2")]
    _, public = new_key()
    nights.sections["evidence"] = {}
    file = tmp_path / "auditor.pem"
    file.write_text(public)
    found = run_cli(nights, "--public-key", str(file))
    assert [problem["kind"] for problem in found["problems"]] == ["signature"] * 3


def test_the_command_exits_with_1_and_a_list(nights: Any) -> None:
    assert run_cli(nights)["problems"] == []
    documents(nights)[0].unlink()
    found = run_cli(nights, code=1)
    assert [problem["kind"] for problem in found["problems"]] == ["missing"]
    assert "problems" in run_cli(nights, "--run", "2", code=None)
    table = invoke(nights)
    assert table.exit_code == 1
    assert "1 problems" in table.output


def run_cli(nights: Any, *arguments: str, code: int | None = None) -> dict[str, Any]:
    done = invoke(nights, "-f", "json", *arguments)
    if code is not None:
        assert done.exit_code == code, done.output
    body: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == bool(body["problems"])
    return body


def invoke(nights: Any, *arguments: str) -> Result:
    with nights.session() as session:
        config = session.config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    file = nights.home / "compline.yaml"
    file.write_text(json.dumps(config))
    environment = {"STORE_URL": nights.store, **nights.environment}
    os.environ.update(environment)
    try:
        return CliRunner().invoke(app, ["verify", "-c", str(file), *arguments])
    finally:
        for name in environment:
            os.environ.pop(name)


def test_the_check_is_not_content_with_anything(nights: Any) -> None:
    with nights.session() as session:
        found: Verified = verify(session)
        assert signer_of(session) is not None
    assert (found.links, found.rows, found.documents, found.signed) == (3, 3, 6, 3)
