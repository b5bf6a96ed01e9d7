"""What is looked at under other limits is looked at anew: every limit is in every ScanKey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.scanners import registry
from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Toolbox

WAIT = {"git_seconds"}
"""It decides whether a tree is had, and not what of it is looked at."""


@pytest.mark.parametrize("name", ["bandit", "semgrep", "pip-audit", "trivy"])
@pytest.mark.parametrize("limit", sorted(set(Limits.model_fields) - WAIT))
def test_a_changed_limit_is_another_key(
    name: str,
    limit: str,
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
) -> None:
    def key(**limits: Any) -> Any:
        scanner = registry.load(name)
        return scanner.scan_key(context(tools(name), limits=limits))

    more = getattr(Limits(), limit) + 1
    assert key() == key()
    assert key() != key(**{limit: more})


@pytest.mark.parametrize("name", ["bandit", "semgrep", "pip-audit", "trivy"])
def test_what_is_ignored_is_part_of_the_key_and_comments_are_not(
    name: str, context: Callable[..., ScanContext], tools: Callable[..., Toolbox]
) -> None:
    def key(**ignore: Any) -> Any:
        return registry.load(name).scan_key(context(tools(name), ignore=ignore))

    assert key() != key(vendored=[])
    assert key() != key(generated=[])
    # What a comment says is recorded either way, and judged from the record.
    assert key() == key(honour_inline=True)
