"""bandit's real report of a small corpus, read by the adapter and asserted whole.

The files below golden/ are the corpus (`*.txt`), what bandit printed (`report.json`, `log.txt`)
and what the adapter makes of it (`expected.json`). COMPLINE_RECORD=1 writes the last three anew:
look at the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.codec import dump_completed
from compline.model import Completed, Look
from compline.scanners.bandit.report import observations, read_report
from compline.scanners.blobs.analysis import Piece
from compline.scanners.blobs.keys import canary_text
from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Tool

GOLDEN = Path(__file__).parent / "golden"
CORPUS = {
    path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.txt")) if path.stem != "log"
}


def read_golden() -> dict[str, Any]:
    """Everything that the parser says of the recorded report, as plain JSON."""
    report, log = (GOLDEN / "report.json").read_bytes(), (GOLDEN / "log.txt").read_bytes()
    answers = read_report(report, log, "zz-canary.py")
    said = {}
    for name, answer in sorted(answers.items()):
        piece = Piece(".py", CORPUS[name.removesuffix(".py")])
        found = observations("b10b", piece, answer)
        said[name] = {
            "looked": answer.looked,
            "gaps": [[gap.reason, gap.detail, gap.lasting] for gap in answer.gaps],
            "observations": json.loads(dump_completed(Completed(found))).get("observations", []),
        }
    return said


@pytest.fixture(autouse=True, scope="module")
def recorded(bandit: Tool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Writes the report anew, if that is wanted."""
    if os.environ.get("COMPLINE_RECORD") != "1":
        return
    tmp_path = tmp_path_factory.mktemp("corpus")
    for name, content in CORPUS.items():
        (tmp_path / f"{name}.py").write_bytes(content)
    (tmp_path / "zz-canary.py").write_bytes(canary_text("bandit.txt"))
    names = [*(f"{name}.py" for name in CORPUS), "zz-canary.py"]
    done = subprocess.run(
        [bandit.executable, "--quiet", "--ignore-nosec", "-x", "", "-n", "1", "-f", "json", *names],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    (GOLDEN / "report.json").write_bytes(done.stdout)
    log = done.stderr.replace(str(bandit.home).encode(), b"/tools/bandit")
    (GOLDEN / "log.txt").write_bytes(log)
    text = json.dumps(read_golden(), indent=1, sort_keys=True)
    (GOLDEN / "expected.json").write_text(f"{text}\n")


def test_the_recorded_report_is_read_whole() -> None:
    assert read_golden() == json.loads((GOLDEN / "expected.json").read_text())


def test_the_real_bandit_says_the_same(
    real: ScanContext, looks: Callable[..., dict[str, Look]], git_repository: Any
) -> None:
    shop = git_repository({f"src/{name}.py": content for name, content in CORPUS.items()})
    look = looks(real, shop.job())["shop"]
    assert isinstance(look.outcome, Completed)
    expected = json.loads((GOLDEN / "expected.json").read_text())
    wanted = []
    for name, said in sorted(expected.items()):
        for each in said["observations"]:
            each["place"] |= {"path": f"src/{name}", "blob": shop.blob(f"src/{name}")}
            wanted.append(each)
    assert json.loads(dump_completed(look.outcome))["observations"] == wanted
    assert [[gap.path, gap.reason] for gap in look.outcome.gaps] == [
        [f"src/{name}", gap[0]] for name, said in sorted(expected.items()) for gap in said["gaps"]
    ]
    assert look.sandbox
    assert shutil.which(str(real.tools.get("bandit").executable))


def test_no_password_of_the_corpus_is_in_what_the_adapter_says() -> None:
    report = (GOLDEN / "report.json").read_text()
    expected = (GOLDEN / "expected.json").read_text()
    for secret in ("not-a-real-password", "also-not-real"):
        assert secret in report
        assert secret not in expected
