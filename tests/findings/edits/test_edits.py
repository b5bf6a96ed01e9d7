"""Identity under random edits: which finding stays, not only how many.

COMPLINE_EXAMPLES sets how many edited Python sources are tried, COMPLINE_SEED which ones.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from world import EDITS, World

EXAMPLES = int(os.environ.get("COMPLINE_EXAMPLES", "2000"))
SEED = int(os.environ.get("COMPLINE_SEED", "1"))
_steps = st.lists(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3), min_size=1, max_size=3)


def live(kit: Any, language: str, number: int, steps: list[list[str]]) -> None:
    """One source's life: each step is a commit of some edits, and a look."""
    world = World(kit, language, random.Random(number))
    world.look()
    for step in steps:
        for what in step:
            world.edit(what)
        world.look()


def many(examples: int) -> Any:
    """So many examples, the same ones each time."""

    def decorate(test: Any) -> Any:
        return seed(SEED)(
            settings(
                max_examples=examples,
                database=None,
                deadline=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
            )(test)
        )

    return decorate


@many(EXAMPLES)
@given(number=st.integers(0, 2**32), steps=_steps)
def test_python(kit: Any, number: int, steps: list[list[str]]) -> None:
    live(kit, "python", number, steps)


@pytest.mark.parametrize("language", ["javascript", "yaml", "dockerfile"])
@many(max(50, EXAMPLES // 10))
@given(number=st.integers(0, 2**32), steps=_steps)
def test_by_tokens(kit: Any, language: str, number: int, steps: list[list[str]]) -> None:
    live(kit, language, number, steps)
