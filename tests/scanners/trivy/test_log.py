"""What only trivy's log tells, and what it does not even tell there: gaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.model import Gap, GapReason
from compline.scanners.trivy.problems import silent_locks, told

GOLDEN = Path(__file__).parent / "golden"


def test_what_the_log_tells_becomes_gaps() -> None:
    log = (GOLDEN / "fs.log").read_text()
    assert told(log, "tree") == (
        Gap(
            GapReason.UNPARSED,
            "broken/uv.lock",
            "[uv] Failed to parse uv lockfile",
        ),
        Gap(
            GapReason.UNSUPPORTED,
            "infra/mod.tf",
            "[terraform evaluator] Failed to load module. Maybe try 'terraform init'?",
            subjects=("module",),
        ),
    )
    assert told(log, "tre") == ()
    assert told(log, "other") == ()


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (
            'ERROR\t[dockerfile scanner] Failed to parse file\tfile_path="t/a/Dockerfile" err="x"',
            "a/Dockerfile",
        ),
        ('WARN\t[helm scanner] Skipping chart\tfile_path="t/a/chart" err="parse"', "a/chart/"),
        (
            'WARN\t[npm] Failed\terr="failed to parse t/b/package-lock.json: bad"',
            "b/package-lock.json",
        ),
        (
            'WARN\t[secret] The size of the scanned file is too large. It\tfile_path="t/big.csv"',
            None,
        ),
        ('INFO\t[misconfig] Failed\tfile_path="t/x"', None),
        ('WARN\t[vuln] Something else\terr="y"', None),
    ],
)
def test_lines_of_the_log(line: str, path: str | None) -> None:
    gaps = told(f"2026-01-01T00:00:00Z\t{line}\n", "t")
    assert [gap.path for gap in gaps] == ([] if path is None else [path])


def test_lock_files_that_trivy_passes_over_in_silence(tmp_path: Path) -> None:
    files = {
        "package-lock.json": '{"name": ',
        "a/uv.lock": "version =",
        "b/poetry.lock": '[[package]]\nname = "x"\nversion = "1"\n',
        "c/package-lock.json": '{"packages": {"": {"name": "own"}}}',
        "d/uv.lock": '[[package]]\nname = "own"\nsource = { virtual = "." }\n',
        "e/Cargo.lock": '[[package]]\nname = "own"\nversion = "1"\n',
        "f/Pipfile.lock": '{"default": {"flask": {"version": "==1"}}}',
        "notes.txt": "{",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = {gap.path: gap.reason for gap in silent_locks(tmp_path, files, ["f/Pipfile.lock"])}
    assert found == {
        "package-lock.json": GapReason.UNPARSED,
        "a/uv.lock": GapReason.UNPARSED,
        "b/poetry.lock": GapReason.NOT_REPORTED,
    }
