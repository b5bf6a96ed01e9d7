"""Comments that ask trivy to ignore something."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.scanners.trivy.comments import blunt, suppression


@pytest.mark.parametrize(
    ("text", "blunted"),
    [
        ("#trivy:ignore:DS-0002\n", "#trivy_ignore:DS-0002\n"),
        ("x = 1 # trivy:ignore:* y\n", "x = 1 # trivy_ignore:* y\n"),
        ("//tfsec:ignore:aws-s3-x\n", "//tfsec_ignore:aws-s3-x\n"),
        ("/* trivy:exp:2030-01-01:ignore:AVD-1 */", "/* trivy_exp:2030-01-01:ignore:AVD-1 */"),
        ("a\n  trivy:ignore:A trivy:ignore:B\n", "a\n  trivy_ignore:A trivy_ignore:B\n"),
        ("image: aquasec/trivy:latest\n", "image: aquasec/trivy:latest\n"),
        ("see trivy:ignore\n", "see trivy:ignore\n"),
    ],
)
def test_they_are_blunted_in_place(tmp_path: Path, text: str, blunted: str) -> None:
    (tmp_path / "f").write_text(text)
    originals = blunt(tmp_path, ["f", "gone"])
    assert (tmp_path / "f").read_text() == blunted
    assert len(blunted) == len(text)
    assert originals == ({"f": text} if text != blunted else {})


TEXT = """\
FROM a
# trivy:ignore:DS002
# trivy:ignore:AVD-DS-0005
USER root

# trivy:ignore:DS-0002
RUN x # trivy:ignore:*
ADD . /
"""


@pytest.mark.parametrize(
    ("line", "rule", "expected"),
    [
        (4, "DS-0002", "trivy:ignore:DS002"),
        (4, "DS-0005", "trivy:ignore:AVD-DS-0005"),
        (4, "DS-0001", ""),
        (7, "DS-0099", "trivy:ignore:*"),
        # Behind a statement it is about that one alone; above one, about the next alone.
        (8, "DS-0002", ""),
        (1, "DS-0002", ""),
        (99, "DS-0002", ""),
        (0, "DS-0002", ""),
    ],
)
def test_which_of_them_is_about_a_line(line: int, rule: str, expected: str) -> None:
    assert suppression(TEXT, line, rule) == expected
