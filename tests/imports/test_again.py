"""The same report once more, and other reports of files that are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from compline.findings.fingerprints import CodeReader
from compline.model import GapReason
from compline.pipeline.verify import verify
from compline.scanners.imports import known_code
from compline.scanners.imports.known_code import KnownCode, code_version
from compline.store.findings import FindingView

Reports = Callable[[str], bytes]


class TestReuse:
    def test_the_ledger_says_on_what_it_stands(self, stored: Any, reports: Reports) -> None:
        first = stored.take("semgrep", reports("semgrep"))
        before = stored.open()
        again = stored.take("semgrep", reports("semgrep"))
        assert (again.row.outcome, again.row.result) == ("completed", "recorded")
        assert again.row.reused_from == first.run
        assert again.row.gaps == first.row.gaps
        assert [gap.reason for gap in again.row.gaps] == [GapReason.PARTIAL]
        assert again.row.warnings == first.row.warnings
        assert (again.row.revision, again.row.scan_key) == (first.row.revision, first.row.scan_key)
        assert again.row.observations == first.row.observations
        assert again.row.evidence == first.row.evidence
        assert again.row.looked_at > first.row.looked_at
        assert again.result is first.result
        seen = stored.open()
        assert seen.keys() == before.keys()
        assert all(seen[name].last_seen > before[name].last_seen for name in seen)
        third = stored.take("semgrep", reports("semgrep"))
        assert third.row.reused_from == first.run
        with stored.session() as session:
            assert verify(session).problems == ()

    def test_a_byte_more_is_another_report(self, shop: Any, reports: Reports) -> None:
        shop.take("semgrep", reports("semgrep"))
        before = shop.open()
        assert shop.take("semgrep", reports("semgrep") + b"\n").row.reused_from is None
        assert shop.open().keys() == before.keys()

    def test_a_whole_look_is_another_than_a_partial_one(self, shop: Any, reports: Reports) -> None:
        shop.take("bandit", reports("bandit"))
        whole = shop.take("bandit", reports("bandit"), complete=True)
        assert (whole.row.reused_from, whole.row.gaps) == (None, ())
        partial = shop.take("bandit", reports("bandit"))
        assert [gap.reason for gap in partial.row.gaps] == [GapReason.PARTIAL]
        assert partial.row.reused_from is None

    def test_another_commit_is_another_look(
        self, shop: Any, tree: dict[str, str], reports: Reports
    ) -> None:
        shop.take("bandit", reports("bandit"))
        shop.commit({**tree, "README": "new\n"})
        assert shop.take("bandit", reports("bandit")).row.reused_from is None

    def test_what_was_said_in_between_counts(self, shop: Any, reports: Reports) -> None:
        shop.take("bandit", reports("bandit"), complete=True)
        every = shop.open().keys()
        document = json.loads(reports("bandit"))
        document["results"].pop()
        shop.take("bandit", document, complete=True)
        assert len(shop.open()) == len(every) - 1
        back = shop.take("bandit", reports("bandit"), complete=True)
        assert back.row.reused_from is None
        assert shop.open().keys() == every

    def test_what_was_held_or_failed_is_read_again(self, shop: Any, reports: Reports) -> None:
        shop.take("bandit", reports("bandit"), complete=True)
        empty = {"generated_at": "x", "errors": [], "metrics": {"_totals": {}}, "results": []}
        for _ in range(2):
            row = shop.take("bandit", empty, complete=True).row
            assert (row.result, row.reused_from) == ("held", None)
        for _ in range(2):
            row = shop.take("bandit", reports("bandit")[:-40]).row
            assert (row.outcome, row.reused_from) == ("failed", None)

    def test_every_tool_of_a_report_must_stand(self, shop: Any, reports: Reports) -> None:
        def run(name: str, line: int) -> dict[str, Any]:
            where = {
                "artifactLocation": {"uri": "app/run.py"},
                "region": {"startLine": line},
            }
            result = {"ruleId": "r", "message": {"text": "m"}, "locations": [
                {"physicalLocation": where}]}  # fmt: skip
            return {"tool": {"driver": {"name": name}}, "results": [result]}

        both = {"version": "2.1.0", "runs": [run("one", 6), run("two", 10)]}
        first = shop.take("sarif", both)
        assert [row.reused_from for row in shop.take("sarif", both).rows] == [first.run] * 2
        shop.take("sarif", {"version": "2.1.0", "runs": [run("two", 14)]})
        assert [row.reused_from for row in shop.take("sarif", both).rows] == [None, None]


def said(found: dict[str, FindingView]) -> list[tuple[Any, ...]]:
    return sorted((one.id, one.path, one.line, one.title) for one in found.values())


class TestKnownCode:
    def test_a_hit_says_what_a_miss_says(
        self, shop: Any, reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forms = (("semgrep", "semgrep"), ("sarif", "semgrep.sarif"))
        for form, name in forms:
            shop.take(form, reports(name))
        before, fingerprints = said(shop.open()), shop.fingerprints()

        def refuse(*_: Any) -> Any:
            raise AssertionError("it was worked out again")

        monkeypatch.setattr(CodeReader, "evidence", refuse)
        for form, name in forms:
            row = shop.take(form, reports(name) + b"\n").row
            assert (row.outcome, row.reused_from) == ("completed", None)
        assert (said(shop.open()), shop.fingerprints()) == (before, fingerprints)

    def test_other_code_of_ours_asks_again(
        self, shop: Any, reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.take("semgrep", reports("semgrep"))
        asked = []
        evidence = CodeReader.evidence

        def noted(self: CodeReader, *span: Any) -> Any:
            asked.append(span)
            return evidence(self, *span)

        monkeypatch.setattr(CodeReader, "evidence", noted)
        shop.take("semgrep", reports("semgrep") + b"\n")
        assert not asked
        monkeypatch.setattr(known_code, "code_version", lambda: "another")
        shop.take("semgrep", reports("semgrep") + b"\n\n")
        assert asked

    def test_the_version_is_that_of_the_source(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        before = code_version()
        code_version.cache_clear()
        changed = tmp_path / "syntax.py"
        changed.write_text("# other\n")
        monkeypatch.setattr(known_code.syntax, "__file__", str(changed))
        try:
            assert code_version() != before
        finally:
            code_version.cache_clear()

    def test_without_a_cache_nothing_is_kept(self) -> None:
        code = KnownCode()
        code.load(["a:.py"])
        code.save()
