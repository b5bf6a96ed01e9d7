"""Licence and origin as a model's card states them: the YAML at the head of README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from compline.scanners.lineage import yaml_text

CARDS = frozenset({"README.md", "MODEL_CARD.md", "model_card.md"})
MOST_BYTES = 1 << 20
_MOST = 100
"""Values of one key."""


def read_card(content: bytes) -> Mapping[str, str]:
    """What the card states of `licence`, `dataset`, `base`, `commit`, `run`, `repository`; empty
    if none.

    Keys are those of the Hugging Face model card (`license`, `datasets`, `base_model`), and the
    last three.
    """
    text = content[:MOST_BYTES].decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}
    head, closed, _ = text[4:].partition("\n---")
    if not closed:
        return {}
    try:
        said = yaml_text.load(head)
    except yaml_text.Unreadable:
        return {}
    if not isinstance(said, dict):
        return {}
    keys = {"licence": "license", "dataset": "datasets", "base": "base_model"}
    keys |= {name: name for name in ("commit", "run", "repository")}
    found = {name: _one(said.get(key)) for name, key in keys.items()}
    return {name: value for name, value in found.items() if value}


def joined(origin: Mapping[str, str], cards: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What the registry knows, and where it knows nothing what the cards say."""
    found: dict[str, str] = {}
    for each in (origin, *cards):
        for name, value in each.items():
            found.setdefault("licence" if name == "license" else name, value)
    return found


def _one(value: Any) -> str:
    """A plain value, or several; of lists in lists nothing is taken."""
    found = value[:_MOST] if isinstance(value, list) else [value]
    plain = (str(one).strip()[:200] for one in found if isinstance(one, (str, int, float)))
    return ", ".join(filter(None, plain))
