"""The demo organisation in a workspace of its own, with the tools that are installed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from compline.demo import organisation


class Demo:
    """A demo organisation and its configuration, which a test may change."""

    def __init__(self, home: Path, tools: Path) -> None:
        self.home = home
        self.workspace = home / "work"
        self.workspace.mkdir(parents=True)
        (self.workspace / "tools").symlink_to(tools)
        self.config = organisation.build(home / "demo", self.workspace)

    def advance(self) -> list[str]:
        """The commit before the second night."""
        return organisation.advance(self.home / "demo")

    def change(self, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
        """Rewrites the configuration."""
        raw = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        change(raw)
        self.config.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")


@pytest.fixture
def demo(tmp_path: Path, installed_tools: Path) -> Demo:
    """A demo organisation before its first night."""
    return Demo(tmp_path, installed_tools)
