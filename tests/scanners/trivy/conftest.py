"""A first night of trivy's over two repositories."""

from __future__ import annotations

from typing import Any

import pytest
from trivy_shop import SHOP, SUBMODULE

from compline.model import Look
from compline.scanners.trivy.tree_scanner import TrivyTree


@pytest.fixture(scope="session")
def toolbox(tools: Any) -> Any:
    return tools("trivy", "pip-audit")


@pytest.fixture(scope="session")
def shop(repository: Any) -> Any:
    return repository(SHOP, "shop", [SUBMODULE])


@pytest.fixture(scope="session")
def night(new_scene: Any, toolbox: Any, shop: Any, repository: Any) -> tuple[Any, dict[str, Look]]:
    """A first night over two repositories, the second of them harmless."""
    scene = new_scene()
    docs = repository({"README.md": "hello"}, "docs")
    looks = TrivyTree().scan([shop.job(), docs.job()], scene.context(toolbox))
    return scene, {look.target: look for look in looks}
