"""Ignore files, read as their tools would."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import pytest

from compline.scanners.ignore_files import FILES, Ignored, ignored


def test_trivyignore() -> None:
    text = b"# why\nCVE-2024-1 exp:2025-06-01\n\nAVD-DS-0002 # root\n"
    assert ignored(".trivyignore", text) == (
        Ignored(2, "trivy", ("CVE-2024-1",), expires=date(2025, 6, 1)),
        Ignored(4, "trivy", ("AVD-DS-0002", "DS-0002")),
    )


def test_trivyignore_yaml() -> None:
    text = b"""
vulnerabilities:
  - id: CVE-2024-1
    paths: ["app/requirements.txt"]
    statement: not reachable
    expired_at: 2025-06-01
misconfigurations:
  - id: AVD-DS-0002
"""
    first, second = ignored(".trivyignore.yaml", text)
    assert (first.line, first.rules, first.reason) == (3, ("CVE-2024-1",), "not reachable")
    assert first.expires == date(2025, 6, 1)
    assert first.paths == ("app/requirements.txt", "app/requirements.txt/*")
    assert second == Ignored(8, "trivy", ("AVD-DS-0002", "DS-0002"))


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("tests/", ["tests/a.py", "lib/tests/b/c.py"], ["tests.py", "mytests/a.py"]),
        ("*.min.js", ["a.min.js", "web/a.min.js"], ["a.js"]),
        ("/build", ["build", "build/a.py"], ["lib/build/a.py", "builder/a.py"]),
        ("docs/*.py", ["docs/a.py"], ["lib/docs/a.py"]),
        ("a/**/b", ["a/x/y/b"], ["b"]),
    ],
)
def test_semgrepignore(pattern: str, inside: list[str], outside: list[str]) -> None:
    [entry] = ignored(".semgrepignore", f"# c\n!keep\n:include x\n{pattern}\n".encode())
    assert (entry.line, entry.scanner) == (4, "semgrep")
    for path in inside:
        assert any(fnmatchcase(path, glob) for glob in entry.paths), path
    for path in outside:
        assert not any(fnmatchcase(path, glob) for glob in entry.paths), path


def test_bandit() -> None:
    found = ignored(".bandit", b"[bandit]\nskips: B101,B602\nexclude: ./tests\n")
    assert found == (
        Ignored(2, "bandit", ("B101",)),
        Ignored(2, "bandit", ("B602",)),
        Ignored(3, "bandit", paths=("tests", "tests/*")),
    )
    toml = b'[tool.bandit]\nskips = ["B101"]\nexclude_dirs = ["tests"]\n'
    assert [entry.line for entry in ignored("pyproject.toml", toml)] == [2, 3]


@pytest.mark.parametrize("path", list(FILES))
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"\0",
        b"[",
        b"- a\n- b",
        b"vulnerabilities: 3\n",
        b"[bandit]\n[bandit",
        b"tool = 3",
        b"a: &a [*a]",
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_no_error(path: str, content: bytes) -> None:
    found = ignored(path, content)
    assert isinstance(found, tuple)


def test_there_is_an_end() -> None:
    assert len(ignored(".trivyignore", b"CVE-1\n" * 50_000)) == 1_000
