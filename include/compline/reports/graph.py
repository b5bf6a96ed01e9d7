"""The asset graph for drawing tools: Graphviz's DOT and Mermaid's flowcharts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from compline.model import Link
from compline.reports.plain import printable


def dot(links: Sequence[Link], findings: Mapping[str, int | None]) -> str:
    """Graphviz's DOT (https://graphviz.org/doc/info/lang.html); names are quoted."""
    lines = ["digraph assets {", "  rankdir=LR;", "  node [shape=box];"]
    for name in _assets(links):
        lines.append(f"  {_quoted(name)} [label={_quoted(_label(name, findings))}];")
    for link in links:
        lines.append(
            f"  {_quoted(link.source)} -> {_quoted(link.destination)} [label={_quoted(link.how)}];"
        )
    return "\n".join([*lines, "}"])


def mermaid(links: Sequence[Link], findings: Mapping[str, int | None]) -> str:
    """A Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html); names are escaped."""
    numbers = {name: f"a{number}" for number, name in enumerate(_assets(links))}
    lines = ["flowchart LR"]
    for name, node in numbers.items():
        lines.append(f'  {node}["{_entities(_label(name, findings))}"]')
    for link in links:
        lines.append(
            f'  {numbers[link.source]} -- "{_entities(link.how)}" --> {numbers[link.destination]}'
        )
    return "\n".join(lines)


def _assets(links: Sequence[Link]) -> list[str]:
    return sorted({name for link in links for name in (link.source, link.destination)})


def _label(name: str, findings: Mapping[str, int | None]) -> str:
    count = findings.get(name, 0)
    if count is None:
        return f"{name} (never looked at)"
    return f"{name} ({count} open)" if count else name


def _quoted(text: str) -> str:
    return json.dumps(printable(text), ensure_ascii=False)


def _entities(text: str) -> str:
    """Whatever could be syntax or markup as Mermaid's numbered entities."""
    return "".join(
        c if c.isalnum() or c in " -_./:()@," else f"#{ord(c)};" for c in printable(text)
    )
