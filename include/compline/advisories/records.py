"""OSV records out of a directory, a zip, or a jsonl file, compressed or not.

The format is the OSV schema, https://ossf.github.io/osv-schema/; the containers are those in which
the data is handed out: one file per record (osv.dev's `all.zip`, a clone of the PyPA advisory
database) or one record a line.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from compline.advisories.errors import AdvisoryError

Record = dict[str, Any]

_MOST_BYTES = 8 << 20
"""Of one record: the largest real ones are below 1 MB."""
_MOST_RECORDS = 2_000_000
_LINES = (".jsonl", ".jsonl.gz")
_SINGLE = (".json", ".yaml", ".yml")


def files_of(path: Path) -> list[Path]:
    """The files that hold the records, in a stable order.

    Raises:
        AdvisoryError: there is nothing at the path, or nothing that is known as records.
    """
    if path.is_dir():
        found = sorted(
            each
            for each in path.rglob("*")
            if each.name.lower().endswith((*_SINGLE, *_LINES, ".zip")) and each.is_file()
        )
        if not found:
            raise AdvisoryError(f"{path} holds no .json, .yaml, .jsonl, .jsonl.gz or .zip file")
        return found
    if not path.is_file():
        raise AdvisoryError(
            f"there is no advisory data at {path}: set `advisories.osv` to a directory, zip, "
            "jsonl or jsonl.gz of OSV records, or to `bundled`"
        )
    if not path.name.lower().endswith((*_SINGLE, *_LINES, ".zip")):
        raise AdvisoryError(f"{path.name}: OSV records come as .jsonl, .jsonl.gz, .zip or .json")
    return [path]


def read_records(path: Path) -> Iterator[Record]:
    """Every record, of whatever ecosystem, withdrawn ones included.

    Raises:
        AdvisoryError: something cannot be read; a poorer answer is never given instead.
    """
    count = 0
    for file in files_of(path):
        try:
            for record in _of_file(file):
                count += 1
                if count > _MOST_RECORDS:
                    raise AdvisoryError(f"{path} holds more than {_MOST_RECORDS} records")
                yield record
        except (OSError, EOFError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            raise AdvisoryError(f"advisory data {file} cannot be read: {error}") from error


def _of_file(file: Path) -> Iterator[Record]:
    name = file.name.lower()
    if name.endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith(_SINGLE):
                    with archive.open(member) as stream:
                        content = stream.read(_MOST_BYTES + 1)
                    yield _record(content, f"{file}:{member.filename}")
    elif name.endswith(_LINES):
        with gzip.open(file) if name.endswith(".gz") else file.open("rb") as stream:
            number = 0
            while line := stream.readline(_MOST_BYTES + 1):
                number += 1
                if line.strip():
                    yield _record(line, f"{file}:{number}")
    else:
        with file.open("rb") as stream:
            yield _record(stream.read(_MOST_BYTES + 1), str(file))


def _record(content: bytes, where: str) -> Record:
    if len(content) > _MOST_BYTES:
        raise AdvisoryError(f"{where}: the record is larger than {_MOST_BYTES >> 20} MB")
    try:
        if where.endswith((".yaml", ".yml")):
            value = json.loads(json.dumps(yaml.load(content, yaml.CSafeLoader), default=str))
        else:
            value = json.loads(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise AdvisoryError(f"{where}: not an OSV record: {error}") from error
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise AdvisoryError(f"{where}: not an OSV record: it has no `id`")
    return value
