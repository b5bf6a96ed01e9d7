"""Licence and origin as a model's card states them: the YAML at the head of README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

CARDS = frozenset({"README.md", "MODEL_CARD.md", "model_card.md"})
MOST_BYTES = 1 << 20


def read_card(content: bytes) -> Mapping[str, str]:
    """`licence`, `dataset`, `commit`, `run` as far as the card states them; empty if it is none.

    Keys are those of the Hugging Face model card (`license`, `datasets`), and `commit` and `run`.
    """
    text = content[:MOST_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}
    head, closed, _ = text[4:].partition("\n---")
    if not closed:
        return {}
    try:
        said = yaml.safe_load(head)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    keys = {"licence": "license", "dataset": "datasets", "commit": "commit", "run": "run"}
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
    if isinstance(value, list):
        return ", ".join(filter(None, map(_one, value[:20])))
    return str(value).strip()[:200] if isinstance(value, (str, int, float)) else ""
