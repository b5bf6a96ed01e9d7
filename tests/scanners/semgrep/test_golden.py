"""Semgrep's real report of a small corpus, read by the adapter and asserted whole.

The files below golden/ are the rules, the corpus (`*.txt`), what Semgrep printed (`report.json`)
and what the adapter makes of it (`expected.json`). COMPLINE_RECORD=1 writes the last two anew:
look at the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.codec import dump_completed
from compline.model import Completed, Look
from compline.scanners.blobs.analysis import Piece
from compline.scanners.blobs.keys import canary_rules, canary_text
from compline.scanners.interface import ScanContext
from compline.scanners.semgrep.report import observations, read_report
from compline.scanners.semgrep.rules import RuleSet, load_rules
from compline.tools.toolbox import Tool

GOLDEN = Path(__file__).parent / "golden"
NAMES = {
    "app_all_.py": "app",
    "broken_all_.py": "broken",
    "image_all_.dockerfile": "image",
    "notes_all_.txt": "notes",
    "settings_all_.yaml": "settings",
    "web_all_.js": "web",
}
PATHS = {
    "app_all_.py": "shop/app.py",
    "broken_all_.py": "tests/broken.py",
    "image_all_.dockerfile": "Dockerfile",
    "notes_all_.txt": "docs/notes.md",
    "settings_all_.yaml": "deploy/settings.yaml",
    "web_all_.js": "static/web.js",
}


def content(name: str) -> bytes:
    return (GOLDEN / f"{NAMES[name]}.txt").read_bytes()


def ruleset() -> RuleSet:
    return load_rules([("rules.yaml", GOLDEN / "rules.yaml")], canary_rules("semgrep.yaml"))


def read_golden() -> dict[str, Any]:
    """Everything that the parser says of the recorded report, as plain JSON."""
    answers = read_report((GOLDEN / "report.json").read_bytes(), "zz-canary.py", "zz-rules.json")
    said = {}
    for name, answer in sorted(answers.items()):
        piece = Piece(Path(name).suffix, content(name))
        found = observations("b10b", piece, answer, ruleset().rules)
        said[name] = {
            "looked": answer.looked,
            "gaps": [[gap.reason, gap.detail, gap.lasting] for gap in answer.gaps],
            "observations": json.loads(dump_completed(Completed(found))).get("observations", []),
        }
    return said


@pytest.fixture(autouse=True, scope="module")
def recorded(semgrep: Tool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Writes the report anew, if that is wanted."""
    if os.environ.get("COMPLINE_RECORD") != "1":
        return
    directory = tmp_path_factory.mktemp("corpus")
    for name in NAMES:
        (directory / name).write_bytes(content(name))
    (directory / "zz-canary.py").write_bytes(canary_text("semgrep.txt"))
    (directory / "zz-rules.json").write_bytes(ruleset().compiled)
    done = subprocess.run(
        [
            *(semgrep.executable, "scan", "--experimental", "--json", "--quiet", "-j", "1"),
            *("--metrics", "off", "--disable-version-check", "--disable-nosem"),
            *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--max-target-bytes", "0"),
            *("--no-rewrite-rule-ids", "--config", "zz-rules.json", *NAMES, "zz-canary.py"),
        ],
        cwd=directory,
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory)},
    )
    report = json.loads(done.stdout)
    report["time"] = {"fixpoint_timeouts": report["time"]["fixpoint_timeouts"]}
    text = json.dumps(report, indent=1, sort_keys=True)
    (GOLDEN / "report.json").write_text(f"{text}\n")
    text = json.dumps(read_golden(), indent=1, sort_keys=True)
    (GOLDEN / "expected.json").write_text(f"{text}\n")


def test_the_recorded_report_is_read_whole() -> None:
    assert read_golden() == json.loads((GOLDEN / "expected.json").read_text())


def test_the_real_semgrep_says_the_same(
    within: Callable[..., ScanContext],
    looks: Callable[..., dict[str, Look]],
    git_repository: Any,
) -> None:
    shop = git_repository({PATHS[name]: content(name) for name in NAMES})
    outcome = looks(within(GOLDEN / "rules.yaml"), shop.job())["shop"].outcome
    assert isinstance(outcome, Completed)
    expected = json.loads((GOLDEN / "expected.json").read_text())
    wanted = []
    for name, said in expected.items():
        path = PATHS[name]
        for each in said["observations"]:
            each["place"] |= {"path": path, "blob": shop.blob(path)}
            wanted.append(each)
    found = json.loads(dump_completed(outcome))["observations"]

    def order(each: dict[str, Any]) -> Any:
        return each["place"]["path"], each["place"]["line"], each["rule"]

    assert sorted(found, key=order) == sorted(wanted, key=order)
    assert sorted((gap.path, str(gap.reason)) for gap in outcome.gaps) == [
        ("static/web.js", "unparsed"),
        ("tests/broken.py", "unparsed"),
    ]


def test_neither_a_key_nor_the_words_requires_login_are_in_what_the_adapter_says() -> None:
    report = (GOLDEN / "report.json").read_text()
    expected = (GOLDEN / "expected.json").read_text()
    assert "requires login" in report
    assert "requires login" not in expected
    fingerprints = {
        value
        for said in json.loads(expected).values()
        for each in said["observations"]
        for _, value in each["fingerprints"]
    }
    assert len(fingerprints) > 10
    assert "key-" not in expected.replace("hard-coded-key", "")
