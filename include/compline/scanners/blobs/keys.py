"""What goes into the ScanKey of a content-addressed scanner, besides its rules."""

from __future__ import annotations

from pathlib import Path

from compline.config.schema import Config
from compline.model import digest_of
from compline.scanners.interface import CannotScan, ScanContext
from compline.tools.toolbox import Tool, ToolUnavailable

_CANARIES = Path(__file__).parent.parent / "rules" / "canary"


def tool_of(context: ScanContext, name: str) -> Tool:
    """The tool.

    Raises:
        CannotScan: it is missing or changed.
    """
    try:
        return context.tools.get(name)
    except ToolUnavailable as error:
        raise CannotScan(str(error)) from error


def canary_text(name: str) -> bytes:
    """The file with the known defects."""
    return (_CANARIES / name).read_bytes()


def canary_rules(name: str) -> Path:
    """The rules that find them."""
    return _CANARIES / name


def options_digest(config: Config, **options: object) -> str:
    """Limits and ignore policy, as far as they decide over what a scan sees."""
    return digest_of(
        {
            # A tree's limits too: when one is raised, what was left out is to be looked at.
            "limits": config.limits.model_dump(exclude={"git_seconds"}),
            "ignore": [config.ignore.vendored, config.ignore.generated],
            **options,
        }
    )
