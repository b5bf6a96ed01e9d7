"""Whether the gate has approved what production serves now. Pure.

The gate's last word on a version counts, and only for the very files that it was about: a decision
that is met approves them, one that is breached or unknown takes back what an earlier one has
approved, and none counts for longer than the configuration says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from compline.findings.gate import GateVerdict
from compline.model import Approval, Served


@dataclass(frozen=True, slots=True)
class Word:
    """A decision of the gate about one version of a model."""

    decision: str
    """Its digest."""
    model: str
    version: str
    digest: str
    """Of the model's files; empty where not all were known."""
    verdict: GateVerdict
    at: datetime

    @property
    def named(self) -> str:
        """For people."""
        return f"decision {self.decision[:12]} of {self.at:%Y-%m-%d %H:%M}"


def approval_of(served: Served, words: Iterable[Word | None]) -> Approval:
    """Whether it is approved, and by which decision.

    Args:
        served: what production serves now.
        words: decisions that are young enough and about the target, the newest first; None stands
            for one that cannot be read, which may have been the last word.
    """
    for word in words:
        if word is None:
            text = "a decision of the gate cannot be read: see `compline evidence verify`"
            return Approval(False, text)
        if (word.model, word.version) == (served.model, served.version):
            return _by(word, served)
    return Approval(False, "no decision of the gate approves it")


def _by(word: Word, served: Served) -> Approval:
    if word.verdict is not GateVerdict.MET:
        return Approval(False, f"the gate's last word on it is {word.verdict} ({word.named})")
    if not served.digest:
        text = f"not all its files could be read, to be held against {word.named}"
        return Approval(False, text)
    if word.digest != served.digest:
        text = f"{word.named} approves {word.digest or 'no digest'}, and this is {served.digest}"
        return Approval(False, text)
    return Approval(True, f"approved by {word.named}")
