"""OSV records as tests need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RecordOf = Callable[..., dict[str, Any]]


@pytest.fixture
def record() -> RecordOf:
    """Makes an OSV record about one PyPI package."""

    def make(
        id_: str = "PYSEC-2024-1",
        package: str = "shop",
        *,
        versions: tuple[str, ...] = (),
        events: tuple[dict[str, str], ...] = (),
        **further: Any,
    ) -> dict[str, Any]:
        affected: dict[str, Any] = {"package": {"name": package, "ecosystem": "PyPI"}}
        if versions:
            affected["versions"] = list(versions)
        if events:
            affected["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
        return {"id": id_, "modified": "2024-05-06T07:08:09Z", "affected": [affected], **further}

    return make
