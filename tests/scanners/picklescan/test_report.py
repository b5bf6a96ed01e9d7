"""What our driver prints out of picklescan 1.0.5, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.model import GapReason
from compline.scanners.blobs.analysis import Distrusted
from compline.scanners.models.opening.picklescan import read_report

HOME = Path("/golden")
NAMES = ("0/torch.pt", "1/nested.zip", "2/good.pkl", "3/cut.pkl", "5/locked.zip", "6/notes.xyz")
GOLDEN = (Path(__file__).parent / "golden" / "driver-1.0.5.jsonl").read_bytes()


def test_the_golden_report_is_read() -> None:
    answers = read_report(GOLDEN, HOME, NAMES)
    assert set(answers) == set(NAMES), "the canary is taken out"
    found = [name for name, said in answers.items() if said.findings]
    assert found == ["0/torch.pt", "5/locked.zip"]
    assert answers["0/torch.pt"].findings[0]["imports"] == ["posix.system"]
    gaps = {name: [gap.reason for gap in said.gaps] for name, said in answers.items()}
    assert gaps["1/nested.zip"] == [GapReason.UNSUPPORTED], "exit code 0 and nothing scanned"
    assert gaps["3/cut.pkl"] == [GapReason.UNPARSED], "exit code 0 and not parsed"
    assert gaps["2/good.pkl"] == gaps["6/notes.xyz"] == []


def test_without_its_canary_cut_or_about_other_files_it_is_not_believed() -> None:
    lines = GOLDEN.splitlines(keepends=True)
    with pytest.raises(Distrusted, match="missed its canary"):
        read_report(b"".join(lines[:-1]), HOME, NAMES)
    with pytest.raises(Distrusted, match="cannot be read"):
        read_report(GOLDEN[:-40], HOME, NAMES)
    with pytest.raises(Distrusted, match="cannot be read"):
        read_report(GOLDEN.replace(b"/golden/2/", b"/elsewhere/2/"), HOME, NAMES)


def test_an_error_in_it_is_a_gap_and_a_file_left_out_is_not_looked_at() -> None:
    broken = GOLDEN.replace(b'good.pkl", "error": ""', b'good.pkl", "error": "BadZipFile"')
    assert read_report(broken, HOME, NAMES)["2/good.pkl"].gaps[0].reason is GapReason.UNPARSED
    lines = [line for line in GOLDEN.splitlines(keepends=True) if b"good.pkl" not in line]
    assert "2/good.pkl" not in read_report(b"".join(lines), HOME, NAMES)
