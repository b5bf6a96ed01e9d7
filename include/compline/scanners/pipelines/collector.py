"""A data pipeline's inventory: what is declared, what its stores say, what its DAG names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from compline.config.targets.pipelines import Flow
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.pipelines.dag_source import Connections, connections
from compline.scanners.pipelines.frames import StoreEntry, inventory_of
from compline.store.standing import Defect, Standing

PACKAGES = ("pyyaml",)
_LARGEST = 1_000_000
STORES_ARE_JUDGED_BY = "data-expectations"


def variant(_asked: Asked) -> str:
    """Every pipeline is judged the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Reads the declaration and the DAG's source, and asks the store how the data stores stand.

    They stand as at their last completed looks; those of the same run count if they are recorded.
    """
    flow = _flow(asked)
    names = sorted({hop["store"] for hop in flow["hops"]})
    return inventory_of(
        flow,
        {
            entry.name: StoreEntry(entry.inventory, entry.policy)
            for entry in asked.config.targets.data_stores
        },
        asked.standing(names, STORES_ARE_JUDGED_BY),
        _used(asked),
        asked.now,
        int(asked.values.get("stale_hours") or 36),
    )


def recorded(answers: Mapping[str, Any], _asked: Asked) -> Inventory:
    """The inventory of a recorded flow and recorded standings."""
    now = datetime.fromisoformat(answers["now"])
    return inventory_of(
        answers["flow"],
        {name: StoreEntry(**entry) for name, entry in answers["stores"].items()},
        {
            name: Standing(now, "completed", 0, tuple(
                Defect(d["rule"], d["subject"], tuple(d["cwe"]), "") for d in defects))
            for name, defects in answers["defects"].items()
        },
        Connections(frozenset(answers["used"]), ()),
        now,
        36,
    )  # fmt: skip


def _flow(asked: Asked) -> Mapping[str, Any]:
    declared, file = asked.target.settings.get("flow"), asked.target.settings.get("flow_file")
    if bool(declared) == bool(file):
        raise CannotCollect(f"{asked.target.name} needs either `flow:` or `flow_file:`")
    if declared:
        flow: Mapping[str, Any] = declared
        return flow
    path = Path(str(file))
    try:
        return Flow.model_validate(yaml.safe_load(_read(path))).model_dump(mode="json")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise CannotCollect(f"{path}:{mark.line + 1 if mark else 1}: not YAML") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CannotCollect(f"{path}: {where}: {first['msg']}") from None


def _used(asked: Asked) -> Connections | None:
    file = asked.target.settings.get("dag_file")
    if not file:
        return None
    try:
        return connections(_read(Path(str(file))), str(asked.target.settings.get("dag") or ""))
    except ValueError as error:
        raise CannotCollect(f"{file}: {error}") from None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise CannotCollect(f"{path}: more than {_LARGEST // 1_000_000} MB")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotCollect(f"{path}: cannot be read ({type(error).__name__})") from None
