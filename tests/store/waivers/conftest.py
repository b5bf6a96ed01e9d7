"""Whatever is done with waivers, the store stays sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compline.store.check import check


@pytest.fixture(autouse=True)
def sound(site: Any) -> Iterator[None]:
    """Whatever a test has done, the store's invariants hold after it."""
    yield
    broken = [(one.invariant.name, one.examples) for one in check(site.store) if one.broken]
    assert broken == []
