"""The real bandit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compline.model import Look
from compline.scanners.bandit.scanner import Bandit
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Tool, Toolbox


@pytest.fixture(scope="session")
def bandit(tools: Callable[..., Toolbox]) -> Tool:
    return tools("bandit").get("bandit")


@pytest.fixture
def real(context: Callable[..., ScanContext], tools: Callable[..., Toolbox]) -> ScanContext:
    return context(tools("bandit"))


@pytest.fixture
def looks() -> Callable[..., dict[str, Look]]:
    """Scans jobs with bandit; gives the looks by target."""

    def scan(context: ScanContext, *jobs: Job) -> dict[str, Look]:
        return {look.target: look for look in Bandit().scan(jobs, context)}

    return scan
