"""What hides in a model file is found in a registry as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_models as hostile

from compline.model import Completed
from compline.tools.toolbox import Toolbox


def test_in_a_registry(
    recorded: Any, look: Any, tools: Callable[..., Toolbox], tmp_path: Path
) -> None:
    python = tools("modelaudit").get("modelaudit").home / "bin" / "python"
    hidden = hostile.hiding_places(python, tmp_path)
    recorded.files.update(hidden)
    for answer in recorded.answers.values():
        for each in list(answer.get("files", ())):
            if each["path"] == "model.safetensors":
                answer["files"] = [
                    {"path": name, "file_size": len(content), "is_dir": False}
                    for name, content in hidden.items()
                ]
    outcome = look("modelaudit").outcome
    assert isinstance(outcome, Completed), outcome
    found = {each.subject.removeprefix("scoring/2/") for each in outcome.observations}
    assert found - {"scoring/1/data/model.pkl"} == set(hidden)
