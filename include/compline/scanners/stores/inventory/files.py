"""Reads inventory files (CSV, JSON, JSON lines, Parquet) and holds them to a declared schema."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of

FRAME = "inventory"

KNOWN_COLUMNS: Mapping[str, str] = {
    "resource": "string",
    "name": "string",
    "id": "string",
    "owner": "string",
    "classification": "string",
    "encrypted_at_rest": "boolean",
    "encrypted_in_transit": "boolean",
    "public_access": "boolean",
    "backup_encrypted": "boolean",
    "access_logging": "boolean",
}
"""Columns of the built-in suite with their types, for files without a declared schema."""

_NAMING = ("resource", "name", "id")
_TRUE = frozenset({"true", "yes", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "0", "f", "n"})

_Rows = Iterator[tuple[int, Mapping[str, Any]]]


def collect(path: Path, columns: Mapping[str, str], most_bytes: int) -> Inventory:
    """The file as the frame `inventory`, with the declared columns only.

    `columns` maps names to string, integer, number, boolean or datetime; empty means those of
    `KNOWN_COLUMNS` that the file has.

    Raises:
        CannotCollect: unreadable, cut short, not of the declared schema, or without a row.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise CannotCollect(f"{path}: more than {most_bytes // 1_000_000} MB")
        content = path.read_bytes()
    except OSError as error:
        raise CannotCollect(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return inventory_of(content, path.suffix.lower(), columns)
    except CannotCollect as error:
        raise CannotCollect(f"{path}: {error}") from error


def inventory_of(content: bytes, suffix: str, columns: Mapping[str, str]) -> Inventory:
    """The frame of a file's content; `suffix` (`.csv`) says how it is written.

    Raises:
        CannotCollect: as for `collect`.
    """
    reader = _READERS.get(suffix)
    if reader is None:
        raise CannotCollect(f"{suffix or 'no suffix'}: expected one of {', '.join(_READERS)}")
    if not content:
        raise CannotCollect("the file is empty")
    header, rows = reader(content)
    if len(set(header)) != len(header):
        raise CannotCollect("two columns have the same name")
    wanted = dict(columns) or {
        name: KNOWN_COLUMNS[name] for name in header if name in KNOWN_COLUMNS
    }
    missing = sorted(set(wanted) - set(header))
    if missing:
        raise CannotCollect(f"declared columns are missing: {', '.join(missing)}")
    if not wanted:
        raise CannotCollect(
            "no column is known: declare `columns:`, or name them as the built-in suite does "
            f"({', '.join(KNOWN_COLUMNS)})"
        )
    typed = [
        {name: _typed(row.get(name), kind, name, number) for name, kind in wanted.items()}
        for number, row in rows
    ]
    if not typed:
        raise CannotCollect("the file lists nothing")
    naming = next((name for name in _NAMING if name in wanted), None)
    if naming and "resource" not in wanted:
        typed = [{"resource": row[naming], **row} for row in typed]
    return Inventory(frames={FRAME: frame_of(tuple(typed[0]), typed)})


def _typed(value: Any, kind: str, column: str, number: int) -> Any:
    """The value in its declared type; None stays None. The message does not repeat the value."""
    if value is None or value == "":
        return None
    try:
        typed = _TYPES[kind](value)
    except (ValueError, TypeError):
        typed = None
    if typed is None:
        raise CannotCollect(f"row {number}: {column} is not a {kind}")
    return typed


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return None if isinstance(value, bool) else float(value)


def _datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a date has no zone
    return datetime.fromisoformat(value)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
}


def _csv(content: bytes) -> tuple[Sequence[str], _Rows]:
    lines = csv.reader(io.StringIO(_text(content), newline=""), strict=True)

    def rows() -> _Rows:
        try:
            for number, fields in enumerate(lines, start=1):
                if not fields:
                    continue
                if len(fields) != len(header):
                    raise CannotCollect(
                        f"row {number} has {len(fields)} fields instead of {len(header)}: "
                        "the file may have been cut short"
                    )
                yield number, dict(zip(header, fields, strict=True))
        except csv.Error as error:
            raise CannotCollect(f"not CSV: {error}; the file may have been cut short") from error

    try:
        header = next(lines, [])
    except csv.Error as error:
        raise CannotCollect(f"not CSV: {error}") from error
    return header, rows()


def _json(content: bytes) -> tuple[Sequence[str], _Rows]:
    try:
        value = json.loads(_text(content))
    except ValueError as error:
        raise CannotCollect(f"not JSON: {error}; the file may have been cut short") from None
    return _objects(value)


def _json_lines(content: bytes) -> tuple[Sequence[str], _Rows]:
    lines = [line for line in _text(content).splitlines() if line.strip()]
    try:
        return _objects([json.loads(line) for line in lines])
    except ValueError:
        raise CannotCollect("not JSON lines; the file may have been cut short") from None


def _objects(value: Any) -> tuple[Sequence[str], _Rows]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise CannotCollect("expected a list of objects, one per resource")
    header = tuple(dict.fromkeys(key for item in value for key in item))
    return header, iter(enumerate(value, start=1))


def _parquet(content: bytes) -> tuple[Sequence[str], _Rows]:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, OSError) as error:
        raise CannotCollect(f"not Parquet, or cut short: {str(error)[:200]}") from error
    return tuple(table.column_names), iter(enumerate(table.to_pylist(), start=1))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CannotCollect(f"not UTF-8 text at byte {error.start}") from None


_READERS: Mapping[str, Callable[[bytes], tuple[Sequence[str], _Rows]]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
