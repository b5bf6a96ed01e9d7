"""picklescan over batches of model files, by its library, and its words read.

Traps seen in 1.0.5: `could not parse` counts as a scanned file and ends with 0; so do members of
archives that it passes over (locked, damaged, archives themselves), and files of which it scanned
nothing. Here each of these is a gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compline.model import MISSED_CANARY, GapReason, Severity
from compline.scanners.blobs.analysis import Answer, Distrusted, FileGap, Report
from compline.scanners.models.contents.formats import may_hold_pickle, says_pickle
from compline.scanners.models.opening.canary import CANARY
from compline.scanners.services import one_line
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import Tool

DRIVER = Path(__file__).with_name("picklescan_driver.py")
_MOST = 20


@dataclass(frozen=True)
class PickleScan:
    """The tool with its limits."""

    tool: Tool
    limits: ProcessLimits
    scanner: str = "picklescan"

    def takes(self, path: str) -> bool:
        """Files whose names do not say that they are something else."""
        return may_hold_pickle(path)

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        """As `Runner` says."""
        home = directory.resolve()
        paths = [str(home / name) for name in (*names, CANARY)]
        python = self.tool.home / "bin" / "python"
        done = run(
            [python, "-I", "-c", DRIVER.read_text("utf-8"), *paths],
            limits=ProcessLimits(
                seconds=seconds,
                memory_mb=self.limits.memory_mb,
                output_mb=self.limits.output_mb,
                file_mb=1024,
            ),
            readable=[home],
            cwd=home,
        )
        if done.returncode:
            raise Distrusted(f"it ended with exit code {done.returncode}")
        return Report(read_report(done.stdout, home, names), done.seconds, done.sandbox)


def read_report(stdout: bytes, home: Path, names: Sequence[str]) -> dict[str, Answer]:
    """What is said of each file, by its name; the canary is taken out.

    Raises:
        Distrusted: not what our driver prints, or the canary is not in it.
    """
    known = {str(home / name): name for name in (*names, CANARY)}
    try:
        lines = [json.loads(line) for line in stdout.splitlines()]
        answers = {known[said["path"]]: _answer(said, known[said["path"]]) for said in lines}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Distrusted(f"its report cannot be read ({type(error).__name__})") from None
    canary = answers.pop(CANARY, Answer())
    if not canary.findings:
        raise Distrusted(f"it {MISSED_CANARY}")
    return answers


def _answer(said: Mapping[str, Any], name: str) -> Answer:
    answer = Answer(looked=True)
    if said["error"]:
        detail = one_line(str(said["error"]), 80)
        answer.gaps.append(FileGap(GapReason.UNPARSED, f"picklescan gave up ({detail})"))
        return answer
    if said["broken"]:
        answer.gaps.append(FileGap(GapReason.UNPARSED, "the pickle is broken off"))
    elif said["unparsed"] and says_pickle(name):
        answer.gaps.append(FileGap(GapReason.UNPARSED, "it holds something that is no pickle"))
    if said["unopened"]:
        answer.gaps.append(FileGap(GapReason.UNPARSED, "members are locked or damaged"))
    if said["nested"]:
        answer.gaps.append(FileGap(GapReason.UNSUPPORTED, "archives inside it are not opened"))
    if not said["scanned"] and not answer.gaps:
        answer.gaps.append(FileGap(GapReason.UNSUPPORTED, "picklescan found nothing to scan in it"))
    if said["dangerous"]:
        imports = [
            one_line(f"{module}.{name}", 120)
            for module, name, safety in said["globals"]
            if safety == "dangerous"
        ]
        answer.findings.append(
            {
                "rule": "unsafe-deserialisation",
                "severity": Severity.CRITICAL.value,
                "codes": ["dangerous import"],
                "imports": imports[:_MOST],
                "in": [],
            }
        )
    return answer
