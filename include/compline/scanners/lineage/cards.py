"""Model cards: the front matter of a README says what a model was made from.

Format: https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compline.model import Link
from compline.scanners.lineage import yaml_text

_FRONT = re.compile(r"\A---\r?\n(?P<text>.*?)\r?\n---\s*(\r?\n|\Z)", re.DOTALL)


def links(repository: str, text: str) -> Iterator[Link]:
    """What the card of the model that a repository holds says.

    Raises:
        Unreadable: there is a front matter, and it is no YAML.
    """
    front = _FRONT.match(text)
    if front is None:
        return
    value = yaml_text.load(front["text"])
    if not isinstance(value, dict):
        return
    model = f"model/{repository}"
    found = [
        *(Link(f"dataset/{name}", model, "trained") for name in _names(value.get("datasets"))),
        *(
            Link(f"model/{name}", model, "is the base of")
            for name in _names(value.get("base_model"))
        ),
    ]
    if found:
        yield Link(f"repository/{repository}", model, "holds")
        yield from found


def _names(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and name.strip():
            yield name.strip()
