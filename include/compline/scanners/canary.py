"""The known defect: scanned alone once per ScanKey, before anything that the tool says counts.

The same canary lies in every batch; see `Analyzer.run`.
"""

from __future__ import annotations

from pathlib import Path

from compline.model import ScanKey
from compline.scanners.blobs.analysis import Distrusted, Refused, Runner
from compline.scanners.interface import CannotScan, ScanContext
from compline.tools.process import ToolError

_CONTENT = "canary"
"""Its name in the results cache: no blob is called so."""


def prove(analyzer: Runner, scan_key: ScanKey, context: ScanContext, directory: Path) -> None:
    """Makes sure that the tool, as it is now, finds its canary.

    Raises:
        CannotScan: it does not, or does not take the rules.
    """
    scanner = analyzer.scanner
    if context.cache.get_many(scanner, scan_key, [_CONTENT]):
        return
    try:
        analyzer.run(directory, [], context.config.limits.tool_seconds)
    except Refused as error:
        raise CannotScan(str(error)) from error
    except (ToolError, Distrusted) as error:
        raise CannotScan(
            f"{scanner} does not find the known defect that it is tried with: {error}; "
            f"run `compline tools install {analyzer.tool.name}`"
        ) from error
    context.cache.put_many(scanner, scan_key, {_CONTENT: b"found"})
