"""One look in full for a person: every gap by name, and which model files were read."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from compline.evidence.readings import FileReadings
from compline.reports.plain import printable
from compline.reports.terminal import folded
from compline.store.ledger import LedgerRow

_MOST = 200
"""Gaps, and files, that are shown of one look."""
_REST = "... and {} more: --format json has all"


def look_in_full(row: LedgerRow, files: FileReadings | None, trouble: str) -> RenderableType:
    """What the coverage table only counts; nothing where there is nothing to add.

    Args:
        row: the look.
        files: what its evidence tells of them.
        trouble: why the evidence does not tell; empty if it does.
    """
    return Group(*_gaps(row), *_files(row, files, trouble))


def _gaps(row: LedgerRow) -> Iterator[RenderableType]:
    if not row.gaps:
        return
    title = f"\nNot covered by {row.scanner}: {sum(gap.count for gap in row.gaps)}"
    table = folded("where", "why", "files or entries", "what to know", title=title)
    for gap in row.gaps[:_MOST]:
        where = gap.path or "(all of it)"
        if gap.subjects:
            where += f": {', '.join(gap.subjects)}"
        cells = (where, gap.reason.value, str(gap.count), gap.detail)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    yield table
    yield from _more(len(row.gaps))


def _files(row: LedgerRow, files: FileReadings | None, trouble: str) -> Iterator[RenderableType]:
    if trouble:
        yield Text(f"\nWhich files {row.scanner} has read is not known: {printable(trouble)}")
    if files is None:
        return
    yield Text(f"\nRead in full by run {row.run} for {row.scanner}: {len(files.now)}", "bold")
    yield from (Text(f"  {printable(place)}") for place in files.now[:_MOST])
    yield from _more(len(files.now))
    if files.before:
        since = f", the earliest of {files.oldest:%Y-%m-%d %H:%M} UTC" if files.oldest else ""
        yield Text(f"Known by earlier readings, unmoved since{since}: {len(files.before)}")
    if files.unread:
        yield Text(f"Not read, each a gap: {len(files.unread)}")


def _more(number: int) -> Iterator[RenderableType]:
    if number > _MOST:
        yield Text(f"  {_REST.format(number - _MOST)}")
