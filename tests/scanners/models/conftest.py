"""A folder of models for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from model_folders import Models

from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Toolbox


@pytest.fixture
def toolbox(tools: Callable[..., Toolbox]) -> Toolbox:
    return tools("modelaudit", "picklescan", "model-signing")


@pytest.fixture
def models(tmp_path: Path, context: Callable[..., ScanContext], toolbox: Toolbox) -> Models:
    folder = tmp_path / "fraud"
    folder.mkdir()
    return Models(folder, context, toolbox)
