"""An import closes nothing that it has not proved, and a broken report says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from compline.model import RunResult, State
from compline.pipeline.request import BadRequest
from compline.scanners.imports.report import WrongFile
from compline.store.ledger import adhoc_result
from compline.store.runs import latest_run
from compline.store.worse import list_regressions

FORMS = {
    "bandit": "bandit",
    "semgrep": "semgrep",
    "pip-audit": "pip-audit",
    "trivy": "trivy",
    "semgrep.sarif": "sarif",
    "trivy.cdx": "cyclonedx",
}
EMPTY: dict[str, Any] = {
    "bandit": {"generated_at": "x", "errors": [], "metrics": {"_totals": {}}, "results": []},
    "semgrep": {"version": "1", "errors": [], "paths": {"scanned": []}, "results": []},
    "pip-audit": {"dependencies": [], "fixes": []},
    "trivy": {"SchemaVersion": 2, "ArtifactName": ".", "ArtifactType": "repository"},
    "semgrep.sarif": {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "Semgrep OSS"}}, "results": []}],
    },
    "trivy.cdx": {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"tools": {"components": [{"name": "trivy"}]}},
        "vulnerabilities": [],
    },
}


@pytest.mark.parametrize("name", FORMS)
def test_a_truncated_report_is_failed_and_closes_nothing(
    name: str, shop: Any, reports: Callable[[str], bytes]
) -> None:
    data = reports(name)
    shop.take(FORMS[name], data, complete=True)
    before = shop.open()
    assert before
    for cut in (1, 2, 40, len(data) // 3, len(data) // 2, len(data) - 40, len(data.rstrip()) - 1):
        taken = shop.take(FORMS[name], data[:cut], complete=True)
        assert taken.row.outcome == "failed", cut
        assert "not whole" in taken.row.reason
        assert taken.result is RunResult.INCOMPLETE
    assert shop.open().keys() == before.keys()


@pytest.mark.parametrize("name", FORMS)
def test_an_empty_report_closes_nothing_unless_it_is_said_to_be_whole(
    name: str, shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take(FORMS[name], reports(name), complete=True)
    before = shop.open()
    taken = shop.take(FORMS[name], EMPTY[name])
    assert taken.row.outcome == "completed"
    assert [gap.reason for gap in taken.row.gaps] == ["partial"]
    assert shop.open().keys() == before.keys()
    with shop.session() as session:
        kinds = {view.regression.kind.value for view in list_regressions(session.store)}
    assert "coverage-lost" not in kinds
    # Nothing was ever seen to change: a whole look that sees nothing is held if it was much.
    taken = shop.take(FORMS[name], EMPTY[name], complete=True)
    held = taken.row.result == "held"
    assert held == (len(before) >= 5)
    assert (shop.open().keys() == before.keys()) == held
    assert bool(shop.findings(State.RESOLVED)) != held
    if held:  # no second report of the kind releases it: nothing was planted in either
        assert shop.take(FORMS[name], EMPTY[name], complete=True).row.result == "held"


def test_without_complete_what_is_seen_again_is_seen_again(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("bandit", reports("bandit"))
    shop.take("bandit", EMPTY["bandit"])
    assert {one.witnesses[0].state for one in shop.open().values()} == {"unseen"}
    shop.take("bandit", reports("bandit"))
    assert {one.witnesses[0].state for one in shop.open().values()} == {"seen"}


def test_one_finding_less_in_a_whole_report_is_resolved(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("bandit", reports("bandit"), complete=True)
    document = json.loads(reports("bandit"))
    gone = document["results"].pop()
    shop.take("bandit", document, complete=True)
    (resolved,) = shop.findings(State.RESOLVED)
    assert resolved.line == gone["line_number"]


def test_another_revision_is_a_run_with_its_own_result(
    shop: Any, checkout: Any, tree: Any, reports: Callable[[str], bytes]
) -> None:
    old = shop.commit(tree)
    shop.commit({**tree, "app/run.py": "import os\n\nos.system('x' + y)\n"})
    taken = shop.take("bandit", reports("bandit"), revision=old, complete=True)
    assert (taken.row.result, taken.row.revision) == ("adhoc", old)
    assert taken.result is RunResult.FINDINGS
    assert shop.open() == {}
    with shop.session() as session:
        assert len(adhoc_result(session.store, taken.run).new) == 5
        assert list_regressions(session.store) == ()
    nowhere = shop.take("bandit", reports("bandit"), revision="no-such-branch")
    assert nowhere.row.outcome == "failed"
    assert nowhere.row.result == "adhoc"


def test_sarif_says_itself_which_revision_it_is_about(
    shop: Any, tree: Any, reports: Callable[[str], bytes]
) -> None:
    old = shop.commit(tree)
    head = shop.commit({**tree, "more.txt": "x"})
    document = json.loads(reports("semgrep.sarif"))
    for commit, result in ((old, "adhoc"), (head, "recorded")):
        document["runs"][0]["versionControlProvenance"] = [
            {"repositoryUri": "https://x", "revisionId": commit}
        ]
        taken = shop.take("sarif", document)
        assert (taken.row.revision, taken.row.result) == (commit, result)


def test_a_report_about_another_repository_is_failed(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("bandit", reports("bandit"), complete=True)
    document = json.loads(reports("bandit").replace(b"app/run.py", b"lib/other.py"))
    document["metrics"].pop("./app/fine.py")
    taken = shop.take("bandit", document, complete=True)
    assert taken.row.outcome == "failed"
    assert "none of the 1 files" in taken.row.reason
    assert len(shop.open()) == 5


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        ("bandit", b"", "the file is empty"),
        ("bandit", b"<?xml version='1.0'?><bom/>", "the file is XML"),
        ("bandit", b"\x89PNG\r\n\x1a\n\0\0", "the file is no"),
        ("bandit", b"Run started: 2026", "the file is no JSON"),
        ("bandit", b"[]", "is not bandit's JSON"),
        ("bandit", b'{"a": 1}', "is not bandit's JSON"),
        ("bandit", json.dumps(EMPTY["semgrep.sarif"]).encode(), "use `compline import sarif`"),
        ("sarif", json.dumps(EMPTY["bandit"]).encode(), "use `compline import bandit`"),
        ("trivy", json.dumps(EMPTY["trivy.cdx"]).encode(), "use `compline import cyclonedx`"),
        ("semgrep", json.dumps(EMPTY["pip-audit"]).encode(), "use `compline import pip-audit`"),
        ("pip-audit", json.dumps(EMPTY["semgrep"]).encode(), "use `compline import semgrep`"),
        ("cyclonedx", json.dumps(EMPTY["trivy"]).encode(), "use `compline import trivy`"),
    ],
)
def test_the_wrong_kind_of_file_is_a_clear_error_and_no_run(
    shop: Any, form: str, data: bytes, message: str
) -> None:
    with pytest.raises(WrongFile, match=message):
        shop.take(form, data)
    with shop.session() as session:
        assert latest_run(session.store) is None


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        ("bandit", {"metrics": None}, "not whole"),
        ("bandit", {"results": [{"filename": "app/run.py"}]}, "not whole"),
        ("semgrep", {"errors": [{"type": "SemgrepError", "level": "error"}]}, "failed in part"),
        ("semgrep", {"skipped_rules": [{"rule_id": "x"}]}, "left out 1 rules"),
        ("semgrep", {"paths": {}}, "not whole"),
        ("pip-audit", {"dependencies": [{"name": "x"}]}, "not whole"),
        ("trivy", {"SchemaVersion": 1}, "has the form 1"),
        ("trivy", {"ArtifactType": ""}, "does not say"),
        ("trivy", {"Results": [{}]}, "not whole"),
        ("trivy.cdx", {"vulnerabilities": [{"id": "X", "affects": [{"ref": "?"}]}]}, "component"),
        ("trivy.cdx", {"vulnerabilities": [{}]}, "not whole"),
    ],
)
def test_a_report_that_is_not_whole_is_failed(
    shop: Any, name: str, broken: dict[str, Any], reason: str
) -> None:
    taken = shop.take(FORMS[name], {**EMPTY[name], **broken}, complete=True)
    assert taken.row.outcome == "failed"
    assert reason in taken.row.reason
    assert taken.result is RunResult.INCOMPLETE


def test_files_that_the_tool_could_not_read_are_gaps(shop: Any, checkout: Any, tree: Any) -> None:
    both = {**tree, "app/broken.py": "def (:\n"}
    shop.commit(both)
    checkout.write({"app/broken.py": both["app/broken.py"]})
    try:
        bandit = shop.take("bandit", checkout.bandit(), complete=True)
    finally:
        (checkout.path / "app/broken.py").unlink()
    assert [(gap.reason, gap.path) for gap in bandit.row.gaps] == [("unparsed", "app/broken.py")]


def test_only_what_reports_are_about_can_have_one(shop: Any) -> None:
    with pytest.raises(BadRequest, match="no target named"):
        shop.take("bandit", EMPTY["bandit"], target="unknown")
    with pytest.raises(BadRequest, match="for image and repository targets"):
        shop.take("bandit", EMPTY["bandit"], target="buckets")


def test_our_own_scans_and_imports_do_not_close_each_others(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("bandit", reports("bandit"), complete=True)
    shop.take("semgrep", EMPTY["semgrep"], complete=True)
    assert len(shop.open()) == 5
    assert {each.scanner for one in shop.open().values() for each in one.witnesses} == {
        "import:bandit"
    }
