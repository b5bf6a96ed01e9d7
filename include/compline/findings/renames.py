"""Rules that got another name: a table, so that a renamed rule's findings stay themselves.

The tables are data beside the rules (`scanners/renames.py` reads them); here they are a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from compline.model import Observation


@dataclass(frozen=True, slots=True)
class RuleRenames:
    """Old to new names of rules, by scanner."""

    table: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Scanner to old name to new name. A chain of names leads to its end.

    Raises:
        ValueError: names lead in a circle.
    """

    def __post_init__(self) -> None:
        ends = {
            scanner: {old: _end(names, old) for old in names}
            for scanner, names in self.table.items()
        }
        object.__setattr__(self, "table", ends)

    def current(self, observation: Observation, spoken: Collection[tuple[str, str]]) -> Observation:
        """The statement under its rule's name of now.

        Args:
            observation: what was known.
            spoken: (scanner, rule) of what is said now; a rule that still speaks under its old
                name was not renamed here.
        """
        new = self.table.get(observation.scanner, {}).get(observation.rule)
        if new is None or (observation.scanner, observation.rule) in spoken:
            return observation
        return replace(observation, rule=new)

    def formerly(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """The statements as they would have been made under older names of their rules."""
        for observation in observations:
            for old, new in self.table.get(observation.scanner, {}).items():
                if new == observation.rule:
                    yield replace(observation, rule=old)


def _end(names: Mapping[str, str], old: str) -> str:
    seen = {old}
    name = names[old]
    while name in names:
        if name in seen:
            raise ValueError(f"the rule {old!r} is renamed in a circle")
        seen.add(name)
        name = names[name]
    return name
