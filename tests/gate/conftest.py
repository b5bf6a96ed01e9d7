"""A folder of signed models for each test, looked at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from gated import FILES, Gated, key_pair
from services import service
from stores import empty_sqlite

from compline.tools.toolbox import Toolbox


@service
def looked_at(tmp_path_factory: pytest.TempPathFactory, installed_tools: Path) -> Gated:
    """With a signed version 1 that was decided about; only to be copied."""
    home = tmp_path_factory.mktemp("gated")
    (home / "work").mkdir()
    (home / "work" / "tools").symlink_to(installed_tools)
    empty_sqlite(home / "work" / "store" / "compline.db")
    site = Gated(home, Toolbox(home / "work"), *key_pair(home, "ours"))
    site.put("1", FILES)
    assert site.decide("fraud", "1", "--by", "ann")[0]["verdict"] == "met"
    return site


@pytest.fixture
def gated(tmp_path: Path, looked_at: Gated) -> Gated:
    """A copy of the one that was looked at."""
    return looked_at.copy(tmp_path / "site")
