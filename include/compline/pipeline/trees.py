"""Repositories' trees for looks at other targets: a pipeline's files lie in one of them."""

from __future__ import annotations

from collections.abc import Mapping

from compline.pipeline.inputs import Inputs
from compline.pipeline.session import Session
from compline.pipeline.work import Work, from_payload
from compline.scanners.interface import SeenTree
from compline.source.snapshot import SourceError
from compline.store.looks import last_looks
from compline.store.shards import list_shards, read_shard
from compline.targets.listed import Listed


class Trees:
    """The listed repositories at the revision that a run looks at; each is fetched if need be."""

    def __init__(self, session: Session, run: int, inputs: Mapping[str, Inputs]) -> None:
        """`inputs` are what the shard under way of the run fetches, by target."""
        self._session = session
        self._run = run
        self._inputs = inputs
        self._planned: dict[str, Work] | None = None

    def __call__(self, name: str) -> SeenTree:
        """The tree of a repository: as this run found it, else as it was last completely looked at.

        Raises:
            SourceError: it was never looked at, or cannot be fetched; says what to do.
        """
        inputs = self._inputs.get(name)
        work = inputs.work if inputs else self._plan().get(name)
        if work is None or work.error:
            work, inputs = self._last(name), None
        inputs = inputs or Inputs(self._session, work, "")
        return SeenTree(inputs.snapshot(), work.asked)

    def _plan(self) -> Mapping[str, Work]:
        """The targets of all shards; a target whose looks are all reused is in none."""
        if self._planned is None:
            self._planned = {}
            store = self._session.store
            for shard in list_shards(store, self._run):
                for work in from_payload(read_shard(store, self._run, shard.number)):
                    self._planned[work.target.name] = work
        return self._planned

    def _last(self, name: str) -> Work:
        targets = {target.name: target for target in Listed().discover(self._session.config)}
        looks = [
            (look.completed_at, look.revision, look.ref)
            for (target, _), look in last_looks(self._session.store).items()
            if target == name and look.completed_at is not None and look.revision
        ]
        if name not in targets or not looks:
            raise SourceError(
                f"no look at {name} is completed yet, so no revision of it is known: "
                f"run `compline scan {name}`, which says why"
            )
        asked, revision, ref = max(looks)
        return Work(targets[name], asked, revision, ref, ())
