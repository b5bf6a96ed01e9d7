"""model-guard's known defects: a made-up registry in which every rule has something to say."""

from __future__ import annotations

from compline.model import MISSED_CANARY
from compline.scanners.interface import CannotScan
from compline.scanners.models.artifacts import Model, Version
from compline.scanners.models.guard.rules import RULES, Known, judge

_VERSIONS = ("1", "2", "3")
_MODELS = (
    Model("canary", tuple(map(Version, _VERSIONS)), served="2"),
    Model("signed", (Version("1"),), served="1"),
)
_KNOWN = {
    ("canary", "1"): Known(signature="other-key"),
    ("canary", "2"): Known(("pickle",), {"licence": "none-of-ours"}, signature="none"),
    ("canary", "3"): Known(),
    ("signed", "1"): Known(signature="unverified", unscanned=("modelaudit",)),
}
_RULES = {"formats": [], "licences": ["mit"], "provenance": ["run"]}


def prove() -> None:
    """Makes sure that every rule speaks.

    Raises:
        CannotScan: one does not.
    """
    silent = set(RULES) - {each.rule for each in judge(_MODELS, _KNOWN, _RULES)}
    if silent:
        raise CannotScan(f"model-guard {MISSED_CANARY}: {', '.join(sorted(silent))}")
