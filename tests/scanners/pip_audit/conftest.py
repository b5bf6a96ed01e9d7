"""The real pip-audit."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def toolbox(tools: Any) -> Any:
    return tools("pip-audit")
