"""Advisory groups: ids that name one defect of one package, joined transitively."""

from __future__ import annotations

from collections.abc import Iterable

from compline.model import Observation


class AliasGroups:
    """CVE, GHSA and PYSEC ids of each package, joined as the observations join them."""

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self._parents: dict[tuple[str, str], tuple[str, str]] = {}
        for observation in observations:
            self.add(observation)

    def add(self, observation: Observation) -> None:
        """Joins the observation's rule and aliases."""
        root = self._find((observation.subject, observation.rule))
        for alias in observation.aliases:
            other = self._find((observation.subject, alias))
            if other != root:
                # The lesser id leads, so that a group's name does not hang on the order.
                root, other = min(root, other), max(root, other)
                self._parents[other] = root

    def of(self, observation: Observation) -> str:
        """The name of the observation's group; only for comparing within these groups."""
        return self._find((observation.subject, observation.rule))[1]

    def _find(self, item: tuple[str, str]) -> tuple[str, str]:
        parents = self._parents
        parents.setdefault(item, item)
        root = item
        while parents[root] != root:
            root = parents[root]
        while parents[item] != root:
            parents[item], item = root, parents[item]
        return root
