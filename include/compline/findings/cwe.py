"""CWE numbers that different tools give to one defect, as families.

Tools disagree on the level of abstraction: bandit reports `exec` as CWE-78 where others say
CWE-94 or CWE-95, `yaml.load` and the XML parsers as CWE-20. A number may belong to several
families; one that is in none is a family of its own. Sources: the CWE list's parent and child
relations, and what the tools of this project report for the same lines.
"""

from __future__ import annotations

from collections.abc import Iterable

FAMILIES: dict[str, frozenset[int]] = {
    "execution": frozenset({74, 77, 78, 88, 94, 95, 96, 624, 913, 914, 917, 1336}),
    "query": frozenset({74, 89, 90, 91, 564, 643, 652, 943}),
    "markup": frozenset({74, 79, 80, 83, 87, 94, 116, 1336}),
    "path": frozenset({22, 23, 24, 35, 36, 73, 59, 434}),
    "deserialisation": frozenset({20, 502, 915, 1321}),
    "xml": frozenset({20, 91, 112, 611, 776, 827}),
    "code-integrity": frozenset({345, 353, 354, 494, 829, 830, 1104, 1357}),
    "request": frozenset({441, 610, 918, 939}),
    "url-open": frozenset({22, 73, 918, 939}),
    "redirect": frozenset({601, 610}),
    "weak-cryptography": frozenset({310, 325, 326, 327, 328, 759, 760, 780, 916, 1240}),
    "weak-random": frozenset({330, 331, 334, 335, 336, 337, 338, 340, 341, 342, 343}),
    "certificate": frozenset({295, 296, 297, 298, 299, 322, 599}),
    "cleartext": frozenset({5, 311, 312, 319, 522, 523}),
    "credential": frozenset({255, 256, 257, 259, 260, 321, 522, 540, 547, 798}),
    "permission": frozenset({250, 266, 269, 275, 276, 280, 281, 284, 285, 732, 862, 863, 1188}),
    "authentication": frozenset({284, 287, 304, 306, 307, 521, 862, 1390, 1391}),
    "open-interface": frozenset({200, 605, 668, 1327}),
    "temporary-file": frozenset({377, 378, 379}),
    "debugging": frozenset({94, 209, 215, 489, 497}),
    "cookie": frozenset({614, 1004, 1275, 311, 315}),
    "forgery": frozenset({345, 346, 352, 942}),
    "logging": frozenset({93, 117, 200, 532, 538, 778}),
    "error-handling": frozenset({248, 252, 390, 391, 396, 397, 703, 754, 755}),
    "resource": frozenset({400, 404, 409, 770, 772, 1088, 1333}),
}

_OF: dict[int, frozenset[str]] = {
    number: frozenset(name for name, members in FAMILIES.items() if number in members)
    for members in FAMILIES.values()
    for number in members
}


def families(cwe: Iterable[str]) -> frozenset[str]:
    """The families of `CWE-n` ids; whatever is not written so is left out."""
    found: set[str] = set()
    for item in cwe:
        number = item.removeprefix("CWE-")
        if number != item and number.isdecimal():
            found |= _OF.get(int(number), frozenset({number}))
    return frozenset(found)
