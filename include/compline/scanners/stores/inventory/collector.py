"""An inventory that another tool has made, read from its file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.stores.inventory import files

PACKAGES = ("pyarrow",)


def variant(asked: Asked) -> str:
    """The file's suffix, which decides the reader."""
    return Path(asked.text("path")).suffix.lower()


def collect(asked: Asked) -> Inventory:
    """Reads the whole file."""
    path = asked.text("path")
    inventory = files.collect(
        Path(path),
        dict(asked.target.settings.get("columns") or {}),
        asked.config.limits.tool_output_mb * 1_000_000,
    )
    rows, least = len(inventory.frames[files.FRAME]), asked.values.get("minimum_rows") or 1
    if rows < least:
        raise CannotCollect(
            f"{path} has {rows} rows, fewer than the policy's minimum_rows ({least}): it may have "
            "been cut short"
        )
    return inventory


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded rows, written as a file of the target's sort and read again."""
    suffix = variant(asked)
    return files.inventory_of(_written(answers["rows"], suffix), suffix, {})


def _written(rows: list[dict[str, Any]], suffix: str) -> bytes:
    if suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    if suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        buffer = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
        return buffer.getvalue()
    if suffix == ".jsonl":
        return "\n".join(json.dumps(row) for row in rows).encode()
    return json.dumps(rows).encode()
