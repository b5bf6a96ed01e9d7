"""Tables of renamed rules, read from the files beside the rules.

`rules/tools.yaml` holds those of the tools themselves, by scanner. A pack, ours or the
organisation's, may hold a `renames.yaml` with `old-id: new-id`, which are Semgrep's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compline.config.schema import Config
from compline.findings.renames import RuleRenames
from compline.scanners.interface import CannotScan

RULES = Path(__file__).parent / "rules"
FILE = "renames.yaml"
"""In a pack's directory."""


def rule_renames(config: Config) -> RuleRenames:
    """Every rename that the configured rules know of.

    Raises:
        CannotScan: a table cannot be read or leads in a circle; it names the file.
    """
    settings = config.scanners.semgrep
    packs = [*(RULES / pack for pack in settings.packs), *settings.rules]
    files = sorted(path for pack in packs if pack.is_dir() for path in pack.rglob(FILE))
    return _read_all(tuple(files))


def tool_renames() -> RuleRenames:
    """Those of the tools alone; they ship with Compline."""
    return _read_all(())


def _read_all(files: tuple[Path, ...]) -> RuleRenames:
    tools = RULES / "tools.yaml"
    table = {scanner: dict(_names(names, tools)) for scanner, names in _load(tools).items()}
    for file in files:
        table.setdefault("semgrep", {}).update(_names(_load(file), file))
    # The same tools' reports that were made elsewhere.
    table |= {f"import:{scanner}": names for scanner, names in table.items()}
    try:
        return RuleRenames(table)
    except ValueError as error:
        raise CannotScan(f"{', '.join(map(str, (tools, *files)))}: {error}") from error


def _load(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CannotScan(f"{file} cannot be read ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise CannotScan(f"{file}: it must hold lines `old-id: new-id`")
    return document


def _names(names: object, file: Path) -> Mapping[str, str]:
    if not isinstance(names, dict) or not all(
        isinstance(old, str) and isinstance(new, str) for old, new in names.items()
    ):
        raise CannotScan(f"{file}: it must hold lines `old-id: new-id`")
    return names
