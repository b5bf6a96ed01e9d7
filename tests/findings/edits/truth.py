"""The truth about which finding must stay.

After each look the finding at a defect's place must be the one that it was given at first sight.
By nature nobody can say it, and then only the number is held:

- among equal statements of one definition, for those whose lines the diff does not keep while
  another is added or removed, or whose lines it keeps as another's (equal statements that exchange
  their layouts, an equal line put right beside);
- when equal statements leave one definition and come to another in the same commit: one that was
  moved looks the same as one that was mended and one that was written anew;
- in a file that git does not see as renamed, or whose copy it takes for it;
- when a definition gets another name in the commit in which equal code is added elsewhere, or in
  which the diff takes one such definition for another, or beside a copy of itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from written import File

from compline.findings.change import LineMap, TreeChange


@dataclass(frozen=True)
class Known:
    """What is remembered of a defect's last look."""

    group: tuple[Any, ...]
    """File, definition, rule and argument: within it all code is equal."""
    symbol: tuple[str, ...]
    line: int
    finding: str
    blob: str


def check(
    known: dict[Any, Known],
    now: dict[Any, Known],
    change: TreeChange,
    resolved: dict[str, Any],
) -> None:
    """Fails unless every defect has the finding that it had.

    Args:
        known: the last look.
        now: this one.
        change: what happened between.
        resolved: findings that were resolved before, with the group that they were in; equal code
            that comes back there is the same.
    """
    families: dict[Any, set[Any]] = defaultdict(set)
    for defect, one in (known | now).items():
        families[one.group[0], one.group[2:]].add(defect)
    old_ids = {one.finding for one in known.values()}
    for (file, *_), family in families.items():
        if _mistaken(file, change):
            continue
        had = {each: known[each].finding for each in family if each in known}
        has = {each: now[each].finding for each in family if each in now}
        came, gone = has.keys() - had.keys(), had.keys() - has.keys()
        doubtful = _doubtful(family, known, now, change)
        sure = (has.keys() & had.keys()) - doubtful
        for defect in sure:
            assert has[defect] == had[defect], f"{defect} is another now"
        # What nobody can tell apart may stand for each other, and for nothing else.
        may = {had[each] for each in had.keys() - sure} if doubtful or (came and gone) else ()
        for defect in has.keys() - sure:
            finding = has[defect]
            assert finding in may or finding not in old_ids, f"{defect} took over"
            was = resolved.get(finding, now[defect].group)
            assert finding in may or was == now[defect].group, f"{defect} woke another"
        before = Counter(known[each].group for each in had)
        after = Counter(now[each].group for each in has)
        kept = set(has.values()) & set(had.values())
        renamed = any(known[each].symbol != now[each].symbol for each in doubtful)
        assert renamed or len(kept) >= (before & after).total(), "a finding was lost"


def _doubtful(
    family: set[Any], known: dict[Any, Known], now: dict[Any, Known], change: TreeChange
) -> set[Any]:
    """Those of equal code of which only the number can be known."""
    blob = next((now[each].blob for each in family if each in now), "")
    lines = {now[each].line: each for each in family if each in now}
    kept = {}
    for each in family & known.keys():
        line_map = change.line_maps.get((known[each].blob, blob), LineMap())
        kept[each] = lines.get(line_map.new_line(known[each].line) or 0)
    misled = {each for each, new in kept.items() if new not in (None, each)}
    came, stay = family - known.keys(), family & known.keys() & now.keys()
    stirred = {(known | now)[each].group for each in came | (family - now.keys())}
    doubtful = set()
    for each in stay:
        group = known[each].group
        renamed = known[each].symbol != now[each].symbol
        unclear = group in stirred or (misled and stirred)
        unclear = unclear or any(known[other].group == group for other in misled)
        twins = {
            other.origin for one in stay if (other := known[one].group[1]) not in (None, group[1])
        }
        renamed = renamed and (came or misled or group[1].origin in twins)
        if renamed or (unclear and kept[each] is not each):
            doubtful.add(each)
    return doubtful


def _mistaken(file: File, change: TreeChange) -> bool:
    """Whether git takes a renamed file for a new one, or a copy for the renamed original."""
    if file.was:
        return change.renames.get(file.was, file.was) != file.path
    return file.path in change.renames.values()
