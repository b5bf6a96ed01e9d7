"""The comparison behind `make parity` sees what is missing and what is too much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def bench(script: Callable[[str], ModuleType]) -> dict[str, ModuleType]:
    return {name: script(name) for name in ("compare", "reference")}


def finding(scanner: str, rule: str, path: str, line: int | None, **more: Any) -> dict[str, Any]:
    witness = {
        "scanner": scanner, "rule": rule, "state": "seen", "path": path, "line": line,
        "column": 1, "end_line": line, "version": more.get("version", ""), "details": {},
    }  # fmt: skip
    return {
        "kind": more.get("kind", "code"), "package": more.get("package", ""),
        "aliases": more.get("aliases", []), "witnesses": [witness],
    }  # fmt: skip


def compared(bench: Any, said: list[Any], held: list[Any], **more: Any) -> list[tuple[str, str]]:
    scanner = more.pop("scanner", "bandit")
    run = bench["reference"].Run(tuple(said), 1.0, tuple(more.pop("repeated", ())))
    found = bench["compare"].differences(
        run, bench["compare"].held(held, scanner), more.pop("gaps", [])
    )
    return [(one.side, one.explanation) for one in found]


def test_agreement(bench: Any) -> None:
    said = bench["reference"].Statement("bandit", "B307", "a.py", 3)
    assert compared(bench, [said], [finding("bandit", "B307", "a.py", 3)]) == []


def test_what_the_store_lacks(bench: Any) -> None:
    said = bench["reference"].Statement("bandit", "B307", "lib/a.py", 3)
    assert compared(bench, [said], []) == [("missing", "")]
    gap = {"reason": "unparsed", "path": "lib/a.py"}
    assert compared(bench, [said], [], gaps=[gap]) == [("missing", "gap: unparsed lib/a.py")]
    folder = {"reason": "vendored", "path": "lib/"}
    assert compared(bench, [said], [], gaps=[folder]) == [("missing", "gap: vendored lib/")]
    elsewhere = {"reason": "vendored", "path": "li"}
    assert compared(bench, [said], [], gaps=[elsewhere]) == [("missing", "")]


def test_what_no_tool_has_said(bench: Any) -> None:
    assert compared(bench, [], [finding("bandit", "B307", "a.py", 3)]) == [("extra", "")]


def test_a_file_that_the_tool_gave_up(bench: Any) -> None:
    run = bench["reference"].Run((), 1.0, unfinished=frozenset({"a.py"}))
    held = [finding("semgrep", "r", path, 3) for path in ("a.py", "b.py")]
    found = bench["compare"].differences(run, bench["compare"].held(held, "semgrep"), [])
    assert [bool(one.explanation) for one in found] == [True, False]


def test_another_line_is_another_statement(bench: Any) -> None:
    said = bench["reference"].Statement("bandit", "B307", "a.py", 3)
    held = finding("bandit", "B307", "a.py", 4)
    assert compared(bench, [said], [held]) == [("missing", ""), ("extra", "")]


def test_two_of_a_kind_need_two(bench: Any) -> None:
    said = bench["reference"].Statement("bandit", "B307", "a.py", 3)
    held = finding("bandit", "B307", "a.py", 3)
    assert compared(bench, [said, said], [held]) == [("missing", "")]
    assert compared(bench, [said], [held, held]) == [("extra", "")]
    assert compared(bench, [said], [held, held], repeated=[said]) == []


def test_an_advisory_by_another_of_its_names(bench: Any) -> None:
    said = bench["reference"].Statement("trivy", "CVE-1", "poetry.lock", 0, "flask==2.0")
    names = {"kind": "dependency", "package": "pypi:flask", "version": "2.0"}
    one = finding("trivy", "GHSA-1", "poetry.lock", 7, aliases=["CVE-1", "GHSA-1"], **names)
    assert compared(bench, [said], [one], scanner="trivy") == []
    other = finding("trivy", "GHSA-1", "poetry.lock", 7, aliases=["GHSA-1"], **names)
    assert len(compared(bench, [said], [other], scanner="trivy")) == 2


def test_a_line_counts_only_if_it_is_the_files(bench: Any, tmp_path: Path) -> None:
    own_line = bench["reference"]._own_line
    (tmp_path / "main.tf").write_text("a\nb\n")

    def cause(content: str) -> dict[str, Any]:
        quoted = {"Number": 2, "Content": content, "IsCause": True}
        return {"StartLine": 2, "Code": {"Lines": [quoted]}}

    assert own_line(tmp_path / "main.tf", cause("b")) == 2
    assert own_line(tmp_path / "main.tf", cause("rendered")) == 0
    assert own_line(tmp_path / "gone.tf", cause("b")) == 0
