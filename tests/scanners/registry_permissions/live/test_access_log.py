"""The access log of a real MLflow, read for downloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from compline.model import Completed, Target, TargetKind
from compline.scanners.access.scanner import ModelAccess
from compline.scanners.interface import Job


def test_downloads_are_seen_in_what_mlflow_writes(unguarded: Any, scene: Any) -> None:
    run = unguarded.call("POST", "api/2.0/mlflow/runs/create", experiment_id="0", start_time=1)
    number = run["run"]["info"]["run_id"]
    path = f"{unguarded.url}/api/2.0/mlflow-artifacts/artifacts/0/{number}/artifacts/model/w.bin"
    assert httpx.put(path, content=b"x" * 5000).status_code == 200
    assert httpx.get(path).content == b"x" * 5000
    assert httpx.get(path.replace("w.bin", "none")).status_code != 200
    settings = {"files": [str(unguarded.log)], "format": "mlflow"}
    target = Target(TargetKind.LOG, "mlflow-log", "x", settings=settings)
    (look,) = ModelAccess().scan([Job(target, "")], scene.context(None, now=datetime.now(UTC)))
    assert isinstance(look.outcome, Completed), look.outcome
    assert {gap.path for gap in look.outcome.gaps} == {"habits", "principals"}
    assert f'"network 127.0.0.0/24","{number}"'.encode() in look.memory
    assert look.memory.count(number.encode()) == 2  # the pair and the model: nothing was put
