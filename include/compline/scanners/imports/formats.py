"""The one list of formats that can be imported: name to reader, imported if asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from compline.scanners.imports.report import FORMATS, Json, Reading, Settings, only
from compline.scanners.imports.sources import Sources

Reader = Callable[[Json, Sources, Settings], list[Reading]]

FORMAT = "compline.import/1"
"""What a kept report says of itself."""
_MODULES = {name: f"compline.scanners.imports.{name.replace('-', '_')}" for name in FORMATS}


def reader(name: str) -> Reader:
    """What reads reports of a format; it raises `WrongFile` and `Broken`."""
    found: Reader = import_module(_MODULES[name]).read
    return found


def prepared(name: str, document: Json) -> Json:
    """The document as its reader wants it."""
    module = import_module(_MODULES[name])
    made: Json = module.prepared(document) if hasattr(module, "prepared") else document
    return made


def revision(name: str, document: Json) -> str:
    """The commit that a report says it is about; empty for the many that say nothing."""
    module = import_module(_MODULES[name])
    return str(module.revision(document)) if hasattr(module, "revision") else ""


def kept(name: str, document: Json, paths: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of a report as evidence: enough to read it again, and nothing that it quotes.

    Args:
        name: of the format.
        document: as it was read.
        paths: the report's names of files, to the tree's.
    """
    shape = import_module(_MODULES[name]).SHAPE
    return {
        "format": FORMAT,
        "report": name,
        "paths": dict(paths),
        "document": only(document, shape),
    }
