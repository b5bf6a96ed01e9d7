"""Many trees at once: what is known is looked up, what is new is scanned once, in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compline.codec import load_completed
from compline.model import Completed, Failed, Look, ScanKey
from compline.scanners.blobs.analysis import Analyzer, Content
from compline.scanners.blobs.batches import Examiner, Item, batch_bytes
from compline.scanners.blobs.crew import Crew
from compline.scanners.blobs.outcome import judge, report
from compline.scanners.blobs.scratch import scratch_directory
from compline.scanners.blobs.selection import Selection, select
from compline.scanners.blobs.shelf import Result, Shelf, missing_object, no_room
from compline.scanners.canary import prove
from compline.scanners.exclusions import Exclusions
from compline.scanners.interface import Job, ScanContext
from compline.source.snapshot import Snapshot, SourceError

_WAVE_BYTES = 256 << 20
"""New contents that are on the disk at once."""


@dataclass(slots=True)
class _Tree:
    """One job on its way to its look."""

    job: Job
    snapshot: Snapshot
    selection: Selection
    results: dict[Content, Result]
    """What is known so far."""
    waiting: dict[Content, None]
    """What is not known yet, in order of paths."""
    fresh: bool
    """Whether nothing of it is old."""
    seconds: float

    @property
    def name(self) -> str:
        return self.job.target.name


@dataclass
class BlobScan:
    """One call of a scanner."""

    analyzer: Analyzer
    scan_key: ScanKey
    context: ScanContext
    _scanned: set[Content] = field(default_factory=set)
    """What this call has put into the cache: not old, even for a job that wants nothing old."""

    def looks(self, jobs: Sequence[Job]) -> Iterator[Look]:
        """One look per job, as each is ready.

        Raises:
            CannotScan: the tool does not find its canary, or the disk refuses.
        """
        exclusions = Exclusions(self.context.config.ignore)
        wave: list[_Tree] = []
        size = 0
        for job in jobs:
            started = time.monotonic()
            try:
                tree = self._open(job, exclusions, started)
            except SourceError as error:
                yield self._failed(job, str(error), time.monotonic() - started)
                continue
            if not tree.waiting:
                yield self._look(tree)
                continue
            wave.append(tree)
            size += sum(tree.selection.sizes[content] for content in tree.waiting)
            if size > _WAVE_BYTES:
                yield from self._scan(wave)
                wave, size = [], 0
        if wave:
            yield from self._scan(wave)

    def _open(self, job: Job, exclusions: Exclusions, started: float) -> _Tree:
        if job.open_snapshot is None:
            raise SourceError("it has no tree of files to look at")
        snapshot = job.open_snapshot()
        selection = select(snapshot, self.analyzer, exclusions)
        wanted = dict.fromkeys(selection.contents.values())
        old = [each.key for each in wanted if not job.fresh or each in self._scanned]
        known = self.context.cache.get_many(self.analyzer.scanner, self.scan_key, old)
        results = {
            content: Result(load_completed(known[content.key]), None)
            for content in wanted
            if content.key in known
        }
        waiting = {content: None for content in wanted if content not in results}
        seconds = time.monotonic() - started
        return _Tree(job, snapshot, selection, results, waiting, not results, seconds)

    def _scan(self, wave: Sequence[_Tree]) -> Iterator[Look]:
        with self._files() as directory, self._crew(wave, directory) as crew:
            shelf = Shelf(directory, self.analyzer)
            trees = []
            ready: dict[Content, Result] = {}
            for tree in wave:
                try:
                    for found in shelf.take(tree.name, tree.snapshot, tree.waiting):
                        if isinstance(found, Item):
                            crew.give(found)
                        else:
                            ready[found[0]] = found[1]
                    trees.append(tree)
                except SourceError as error:
                    yield self._failed(tree.job, str(error), tree.seconds)
            for tree in trees:
                ready.update((each, missing_object()) for each in shelf.missing(tree.waiting))
            yield from self._settled(trees, ready, shelf)
            done = 0
            for verdicts in crew.verdicts():
                ready = dict(pair for verdict in verdicts for pair in shelf.settle(verdict))
                yield from self._settled(trees, ready, shelf)
                done += sum(len(verdict.items) for verdict in verdicts)
                self.context.progress(f"{self.analyzer.scanner}: {done} of {crew.given} new files")

    def _crew(self, wave: Sequence[_Tree], directory: Path) -> Crew:
        total = sum(tree.selection.sizes[content] for tree in wave for content in tree.waiting)
        processes = self.context.processes
        return Crew(
            Examiner(self.analyzer, directory, self.context.config.limits.tool_seconds),
            processes,
            batch_bytes(total, processes, self.analyzer.grain),
            lambda: prove(self.analyzer, self.scan_key, self.context, directory),
        )

    def _settled(
        self, trees: Sequence[_Tree], ready: dict[Content, Result], shelf: Shelf
    ) -> Iterator[Look]:
        """Keeps results, and gives the looks that need no more."""
        storable = {
            content.key: result.stored
            for content, result in ready.items()
            if result.stored is not None
        }
        self.context.cache.put_many(self.analyzer.scanner, self.scan_key, storable)
        self._scanned.update(each for each, result in ready.items() if result.stored is not None)
        for tree in trees:
            news = tree.waiting & ready.keys()
            if news:
                tree.results.update((content, ready[content]) for content in news)
                tree.waiting = {each: None for each in tree.waiting if each not in news}
                if not tree.waiting:
                    tree.seconds += shelf.seconds[tree.name]
                    yield self._look(tree, shelf.sandbox)

    def _look(self, tree: _Tree, sandbox: str = "") -> Look:
        outcome = judge(self.analyzer, tree.selection, tree.results)
        evidence: tuple[str, ...] = ()
        warnings: tuple[str, ...] = ()
        if isinstance(outcome, Completed):
            looked_at = report(self.analyzer, self.scan_key, tree.job.revision, tree.selection)
            evidence = (self.context.evidence.put(looked_at),)
            if not tree.results:
                # Not skipped: that there is nothing left is what resolves the last findings.
                warnings = (self.analyzer.nothing,)
        return Look(
            target=tree.name,
            scanner=self.analyzer.scanner,
            outcome=outcome,
            revision=tree.job.revision,
            scan_key=self.scan_key,
            tool_version=self.analyzer.tool.version,
            warnings=warnings,
            evidence=evidence,
            sandbox=sandbox,
            seconds=tree.seconds,
            fresh=tree.fresh,
        )

    def _failed(self, job: Job, error: str, seconds: float) -> Look:
        return Look(
            target=job.target.name,
            scanner=self.analyzer.scanner,
            outcome=Failed(error),
            revision=job.revision,
            scan_key=self.scan_key,
            tool_version=self.analyzer.tool.version,
            seconds=seconds,
        )

    @contextmanager
    def _files(self) -> Iterator[Path]:
        parent = self.context.workspace.absolute() / "scratch"
        with ExitStack() as stack:
            try:
                directory = stack.enter_context(scratch_directory(parent))
                for name, content in self.analyzer.equipment.items():
                    (directory / name).write_bytes(content)
            except OSError as error:
                raise no_room(parent, error) from error
            yield directory
