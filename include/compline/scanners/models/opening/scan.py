"""One tool over the model files of one target: what is known is looked up, what is new is read.

Results are kept by content and file name. A file whose content is known and has a result is not
read; one that is read only because its day has come (`Digests`) is not scanned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from compline.codec import dump_completed, load_completed
from compline.model import (
    Completed,
    Confidence,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    ScanKey,
    Severity,
)
from compline.scanners.blobs.analysis import Answer, FileGap
from compline.scanners.blobs.batches import Examiner, Item, Verdict
from compline.scanners.blobs.scratch import scratch_directory
from compline.scanners.blobs.shelf import no_room
from compline.scanners.canary import prove
from compline.scanners.interface import CannotScan, ScanContext
from compline.scanners.models.artifacts import Artifact, Source
from compline.scanners.models.contents.digests import Digests
from compline.scanners.models.contents.formats import suffix
from compline.scanners.models.contents.heads import Heads
from compline.scanners.models.contents.reading import Fetched, batches, fetch
from compline.scanners.models.contents.seen import Seen
from compline.scanners.models.contents.slots import Slots
from compline.scanners.models.names import file_name
from compline.scanners.models.opening.canary import EQUIPMENT
from compline.scanners.models.opening.modelaudit import UNKNOWN_FORMAT, ModelAudit
from compline.scanners.models.opening.picklescan import PickleScan
from compline.scanners.models.opening.rules import RULES

OpeningTool = ModelAudit | PickleScan


@dataclass
class ModelScan:
    """One tool, and one call of it."""

    tool: OpeningTool
    scan_key: ScanKey
    context: ScanContext
    sandbox: str = ""
    cached: bool = False
    """Whether any result came from the cache."""
    _done: dict[Artifact, Completed] = field(default_factory=dict)
    _kept: dict[str, Completed] = field(default_factory=dict)
    """What this call found out, by names in the results cache."""
    _given: set[str] | None = None
    """Names of contents that the tool has been given; None where equal ones do not wait for it."""

    def results(
        self, source: Source, wanted: Sequence[Artifact], digests: Digests
    ) -> dict[Artifact, Completed]:
        """What is known of each file now, without its place.

        Raises:
            CannotList: the place does not answer any more.
            CannotScan: the tool does not work, or the disk refuses.
        """
        self._done, self._kept = {}, {}
        known = {each: content for each in wanted if (content := digests.of(each))}
        if not digests.fresh:
            self._take_known(known)
        names = {each: _cache_name(content, each) for each, content in known.items()}
        ones = {names.get(each, each): each for each in reversed(wanted)}
        # Of equal contents one is looked at, and its result is the others'; if it has none, they
        # are looked at as well.
        for several, self._given in ((list(ones.values()), set()), (wanted, None)):
            waiting = [each for each in several if each not in self._done]
            if waiting:
                self._read_and_scan(source, waiting, digests)
                self._take_kept(wanted, digests)
        return self._done

    def _take_kept(self, wanted: Sequence[Artifact], digests: Digests) -> None:
        for artifact in wanted:
            content = digests.of(artifact) if artifact not in self._done else ""
            kept = self._kept.get(_cache_name(content, artifact)) if content else None
            if kept is not None:
                self._done[artifact] = kept

    def _read_and_scan(self, source: Source, waiting: Sequence[Artifact], digests: Digests) -> None:
        parent = self.context.workspace.absolute() / "scratch"
        try:
            with scratch_directory(parent) as directory:
                self._scan(source, waiting, digests, directory)
        except OSError as error:
            raise no_room(parent, error) from error

    def _take_known(self, contents: dict[Artifact, str]) -> None:
        names = {each: _cache_name(content, each) for each, content in contents.items()}
        values = self.context.cache.get_many(self.tool.scanner, self.scan_key, names.values())
        for artifact, name in names.items():
            if name in values:
                self._done[artifact] = load_completed(values[name])
                self.cached = True

    def _scan(
        self, source: Source, waiting: Sequence[Artifact], digests: Digests, directory: Path
    ) -> None:
        for name, content in EQUIPMENT.items():
            (directory / name).parent.mkdir()
            (directory / name).write_bytes(content)
        prove(self.tool, self.scan_key, self.context, directory)
        slots = Slots(directory)
        examiner = Examiner(self.tool, directory, self.context.config.limits.tool_seconds)
        largest = self.context.config.scanners.model_guard.file_gb << 30
        running: list[tuple[Future[list[Verdict]], dict[str, Fetched]]] = []
        with ThreadPoolExecutor(max(1, self.context.processes)) as pool:
            for batch in batches(fetch(source, waiting, slots, largest)):
                files = self._sorted_out(batch, digests, slots)
                if files:
                    items = [
                        Item(f.name, f.artifact.size, f.artifact.model) for f in files.values()
                    ]
                    running.append((pool.submit(examiner.examine, items), files))
                while len(running) > self.context.processes:
                    self._settle(*running.pop(0), slots)
            for each in running:
                self._settle(*each, slots)

    def _sorted_out(
        self, batch: Sequence[Fetched], digests: Digests, slots: Slots
    ) -> dict[str, Fetched]:
        """What of a batch the tool has to see; everything else has its result by then."""
        digests.learn({each.artifact: each.sha256 for each in batch if each.sha256})
        Heads(self.context.cache).learn(batch)
        files = {}
        skipped = []
        for each in batch:
            if each.gap is not None:
                self._done[each.artifact] = _completed("", Answer(gaps=[each.gap]))
            elif not each.name:
                skipped.append((each, _completed("", Answer())))
            else:
                files[each.name] = each
        self._keep(skipped)
        if not digests.fresh:
            self._take_known({each.artifact: digests.of(each.artifact) for each in files.values()})
        for each in list(files.values()):
            if each.artifact in self._done or self._is_given(each):
                slots.clear(each.name)
                del files[each.name]
        return files

    def _is_given(self, fetched: Fetched) -> bool:
        """Whether an equal content is with the tool already; from now on it is."""
        name = _name_of(fetched)
        if self._given is None or name in self._given:
            return self._given is not None
        self._given.add(name)
        return False

    def _settle(
        self,
        verdicts: Future[list[Verdict]],
        files: dict[str, Fetched],
        slots: Slots,
    ) -> None:
        lasting = []
        for verdict in verdicts.result():
            if verdict.broken:
                raise CannotScan(
                    f"{self.tool.scanner} does not work: {verdict.broken}; "
                    f"run `compline tools install {self.tool.tool.name}`, or raise `limits`"
                )
            for item in verdict.items:
                fetched = files[item.name]
                if verdict.report is None:
                    gap = FileGap(GapReason.CRASHED, verdict.poison, lasting=False)
                    answer = Answer(gaps=[gap])
                else:
                    self.sandbox = verdict.report.sandbox
                    answer = verdict.report.answers.get(item.name, Answer())
                if not answer.looked and not answer.gaps:
                    answer.gaps.append(FileGap(GapReason.NOT_REPORTED, lasting=False))
                if fetched.text and suffix(fetched.artifact.path) != ".py":
                    # A licence or a list of words is no model, and no gap.
                    answer.gaps = [gap for gap in answer.gaps if gap != UNKNOWN_FORMAT]
                if not fetched.artifact.size:
                    answer.gaps.append(FileGap(GapReason.UNPARSED, "it is empty"))
                completed = _completed(self.tool.scanner, answer)
                if all(gap.lasting for gap in answer.gaps):
                    lasting.append((fetched, completed))
                self._done[fetched.artifact] = completed
                slots.clear(item.name)
        self._keep(lasting)
        self.context.progress(f"{self.tool.scanner}: {len(self._done)} model files")

    def _keep(self, results: Sequence[tuple[Fetched, Completed]]) -> None:
        values = {}
        whole = []
        for fetched, completed in results:
            name = _name_of(fetched)
            values[name] = dump_completed(completed)
            self._kept[name] = self._done[fetched.artifact] = completed
            if not completed.gaps:
                whole.append(_content_of(fetched))
        self.context.cache.put_many(self.tool.scanner, self.scan_key, values)
        Seen(self.context.cache).mark(self.tool.scanner, whole)


def bound(artifact: Artifact, completed: Completed) -> Completed:
    """A file's result at its place."""
    place = artifact.as_place()
    observations = tuple(
        replace(each, place=place, subject=artifact.place) for each in completed.observations
    )
    gaps = tuple(Gap(gap.reason, artifact.place, gap.detail) for gap in completed.gaps)
    return Completed(observations, gaps)


def _content_of(fetched: Fetched) -> str:
    return fetched.artifact.content or f"sha256:{fetched.sha256}"


def _name_of(fetched: Fetched) -> str:
    return _cache_name(_content_of(fetched), fetched.artifact)


def _cache_name(content: str, artifact: Artifact) -> str:
    return f"{content}:{file_name(artifact.path).lower()}"


def _completed(scanner: str, answer: Answer) -> Completed:
    observations = []
    for said in answer.findings:
        rule = RULES[said["rule"]]
        details = [("remediation", rule.remediation)]
        for key, name in (
            ("imports", "imports"),
            ("codes", f"{scanner}'s rules"),
            ("in", "inside"),
        ):
            if said[key]:
                details.append((name, ", ".join(said[key])))
        observations.append(
            Observation(
                scanner=scanner,
                rule=said["rule"],
                kind=FindingKind.MODEL,
                severity=Severity(said["severity"]),
                confidence=Confidence.HIGH,
                title=rule.title,
                place=Artifact("", 0).as_place(),
                cwe=(rule.cwe,),
                details=tuple(details),
            )
        )
    gaps = tuple(Gap(gap.reason, "", gap.detail) for gap in dict.fromkeys(answer.gaps))
    return Completed(tuple(observations), gaps)
