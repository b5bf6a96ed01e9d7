"""Where versions of an MLflow server come from, as their runs say: asked hundreds at a time.

One by one, ten thousand runs would take a server minutes. So those of which nothing is known are
searched for by their names; who is not in an answer (the account may not search, the run is gone or
in an experiment that it may not see, the server is older) has said nothing by that, and is asked
by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from compline.scanners.models.artifacts import CannotList
from compline.scanners.models.mlflow.rest import API, Rest
from compline.scanners.models.mlflow.run_data import of_inputs
from compline.scanners.models.mlflow.runs import Runs

AT_A_TIME = 200
"""Runs in one search: their metrics come along, and databases bound the names in a query."""
_FEW = 8
"""So many are asked one by one: no dearer, and by GET."""
_MOST_EXPERIMENTS = 5_000
"""A search has to name where it looks; as above."""
_NAME = re.compile(r"[\w-]+", re.ASCII)
"""Names stand between quotes in a question; one of another form is asked by itself."""
_TAGS = {
    "commit": "mlflow.source.git.commit",
    "repository": "mlflow.source.git.repoURL",
    "source": "mlflow.source.name",
}


class Origins:
    """The runs of one server."""

    def __init__(self, rest: Rest, runs: Runs) -> None:
        """Takes the server and what is known of its runs."""
        self._rest = rest
        self._runs = runs

    def look_up(self, runs: Sequence[str], late: Callable[[], bool]) -> None:
        """Finds out at once what can be of these, until it is late."""
        self._runs.look_up(runs)
        asked = [
            run
            for run in dict.fromkeys(runs)
            if self._runs.said(run) is None and _NAME.fullmatch(run)
        ]
        if len(asked) <= _FEW:
            return
        try:
            for run, said in self._searched(asked, late):
                self._runs.learn(run, said)
        except (CannotList, KeyError, TypeError, AttributeError):
            return  # what is not known by now is asked by itself, and that tells why

    def of(self, run: str) -> Mapping[str, str] | None:
        """What a run says; None if there is none.

        Raises:
            CannotList: the server does not answer.
            NotInTime: the time is over.
        """
        said = self._runs.said(run)
        if said is not None:
            return said
        answer = self._rest.json(f"{API}runs/get", {"run_id": run}, missing=True)
        if answer is None:
            return None
        said = _said(answer.get("run") or {})
        self._runs.learn(run, said)
        return said

    def keep(self) -> None:
        """Keeps what was learnt for other nights."""
        self._runs.keep()

    def _searched(
        self, runs: Sequence[str], late: Callable[[], bool]
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        found = self._rest.pages("experiments/search", "experiments", view_type="ALL")
        experiments = [str(each["experiment_id"]) for each in islice(found, _MOST_EXPERIMENTS + 1)]
        if not 0 < len(experiments) <= _MOST_EXPERIMENTS:
            return
        for start in range(0, len(runs), AT_A_TIME):
            if late():
                return
            several = frozenset(runs[start : start + AT_A_TIME])
            names = ", ".join(f"'{run}'" for run in sorted(several))
            question = {
                "experiment_ids": experiments,
                "filter": f"attributes.run_id IN ({names})",
                "run_view_type": "ALL",
                "max_results": len(several),
            }
            answer = self._rest.search(f"{API}runs/search", question)
            for run in answer.get("runs") or ():
                name = str(run["info"]["run_id"])
                if name in several:
                    yield name, _said(run)


def _said(run: Mapping[str, Any]) -> dict[str, str]:
    tags = {str(t["key"]): str(t["value"]) for t in (run.get("data") or {}).get("tags") or ()}
    said = {key: tags[tag] for key, tag in _TAGS.items() if tags.get(tag)}
    return said | of_inputs((run.get("inputs") or {}).get("dataset_inputs"))
