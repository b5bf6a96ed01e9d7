"""What all sections of docs/measurements.md begin with."""

from __future__ import annotations

from collections.abc import Mapping

from results import Result


def named(results: Mapping[str, Result], prefix: str) -> dict[str, Result]:
    """Those whose name begins so, by the rest of their name."""
    return {k.removeprefix(prefix): v for k, v in results.items() if k.startswith(prefix)}


def heading(title: str, results: Mapping[str, Result]) -> list[str]:
    """A section's title, and where and when its results were measured.

    Where they differ in that, each line names its results.
    """
    lines: dict[str, list[str]] = {}
    for name, one in results.items():
        note = f"; {one.note}" if one.note else ""
        said = f"Measured on {one.date} at commit {one.commit}; {one.setup}{note}"
        lines.setdefault(said, []).append(name)
    if len(lines) == 1:
        told = [f"{said}." for said in lines]
    else:
        told = [f"- {said}: {', '.join(names)}." for said, names in sorted(lines.items())]
    return [f"## {title}", "", *told, ""]
