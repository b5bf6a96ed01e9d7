"""One look of model-guard at one place of models: reads what has to be read, and finds out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from compline.findings.drops import Gaps
from compline.model import FilesRead, Gap, GapReason, ScanKey, canonical_json, digest_of
from compline.scanners.blobs.scratch import scratch_directory
from compline.scanners.blobs.shelf import no_room
from compline.scanners.interface import Job, ScanContext
from compline.scanners.models.artifacts import Artifact, Listing, Source, Unreadable, alias_of
from compline.scanners.models.contents.formats import unsafe_format
from compline.scanners.models.contents.heads import Heads
from compline.scanners.models.contents.reading import fetch
from compline.scanners.models.contents.seen import OPENERS, Seen
from compline.scanners.models.contents.slots import Slots
from compline.scanners.models.guard.cards import CARDS, MOST_BYTES, joined, read_card
from compline.scanners.models.guard.rules import Known
from compline.scanners.models.guard.signatures import CannotVerify, Signatures, Verdict
from compline.scanners.models.readings import digests_of
from compline.scanners.models.sources import served_by_production, whole_listing

_CARDS = ScanKey(tool="cards", adapter="1")

Place = tuple[str, str]
"""Model and version."""


class Inspection:
    """What is found out of one target in one run."""

    def __init__(
        self,
        job: Job,
        context: ScanContext,
        source: Source,
        rules: dict[str, Any],
        signatures: Signatures | None,
    ) -> None:
        self._job = job
        self._context = context
        self._rules = rules
        self._signatures = signatures
        self._gaps: dict[Gap, None] = {}
        self._heads: dict[str, bytes] = {}
        self._kept_cards: dict[str, bytes] = {}
        self._kept_verdicts: dict[str, bytes] = {}
        self._opened: frozenset[str] = frozenset()
        """Contents that a tool has looked at to the end."""
        self._source = source
        self._listing = whole_listing(self._source, job)
        self._digests = digests_of(job, context, self._listing)
        self._largest = context.config.scanners.model_guard.file_gb << 30

    def run(self) -> tuple[Listing, dict[Place, Known], tuple[Gap, ...]]:
        """The listing, what is known of each version, and what could not be found out.

        Raises:
            CannotList: the place does not answer any more.
            CannotScan: the disk refuses.
        """
        self._gaps.update(dict.fromkeys(self._listing.gaps))
        self._digests.look_up(self._listing.artifacts)
        heads = self._read()
        versions: dict[Place, list[Artifact]] = {}
        for artifact in self._listing.artifacts:
            versions.setdefault((artifact.model, artifact.version), []).append(artifact)
        served = served_by_production(self._listing)
        self._look_up(versions, served)
        gaps = Gaps(self._gaps)
        known = {}
        for model in self._listing.models:
            for number, version in enumerate(model.versions, 1):
                place = (model.name, version.name)
                files = versions.get(place, [])
                newest = number == len(model.versions)
                judged = place in served or newest or place == self._job.about
                hidden = not files and gaps.cover("/".join(place), "")
                cards = self._cards(files) if judged and not hidden else None
                known[place] = Known(
                    tuple(sorted({f for each in files if (f := heads.get(each, ""))})),
                    joined(version.origin, cards or ()),
                    cards is not None or not (judged or hidden),
                    judged,
                    self._signature(place, files),
                    self._unscanned(files) if place in served else (),
                )
                unread = not files or not all(self.content(each) for each in files)
                if place in served and (unread or not known[place].signature):
                    text = "nobody could tell everything about the version that production serves"
                    self._gap(GapReason.UNPARSED, alias_of(model.name), text)
        # What is said of the model as a whole must not end because a version was not seen.
        for name in {
            gap.path.partition("/")[0]
            for gap in self._gaps
            if "/" in gap.path and gap.reason is not GapReason.SYMLINK
        } & {model.name for model in self._listing.models}:
            text = "some of its versions could not be looked at wholly"
            self._gap(GapReason.TRUNCATED, name, text)
        return self._listing, known, tuple(self._gaps)

    def content(self, artifact: Artifact) -> str:
        """Name of its content as of now; empty where it could not be read."""
        return self._digests.of(artifact)

    def rows(self) -> list[list[str]]:
        """For the evidence: each file's place, content, validator, and when it was read last."""
        return [self._digests.told(each) for each in self._listing.artifacts]

    def share(self) -> FilesRead:
        """How many files were read in full now."""
        return self._digests.share(self._listing.artifacts)

    def _look_up(self, versions: dict[Place, list[Artifact]], served: set[Place]) -> None:
        """What is known of cards, signatures and scans; asked at once for all versions."""
        cache = self._context.cache
        cards = {self.content(f) for files in versions.values() for f in files if f.path in CARDS}
        self._kept_cards = cache.get_many("models", _CARDS, cards - {""})
        signed = [
            digest_of({each.path: self.content(each) for each in files})
            for files in versions.values()
            if self._signatures and any(f.path == self._rules["signature"] for f in files)
        ]
        if signed:
            self._kept_verdicts = cache.get_many("models", self._signing_key, signed)
        contents = {
            c for place in served for f in versions.get(place, ()) if (c := self.content(f))
        }
        seen = Seen(cache)
        self._opened = frozenset().union(*(seen.by(scanner, contents) for scanner in OPENERS))

    def _read(self) -> dict[Artifact, str]:
        """Reads in full what has to be; gives the formats that can run code."""
        artifacts = self._listing.artifacts
        self._take([each for each in artifacts if not self.content(each)])
        rest = {c: each for each in artifacts if (c := self.content(each)) and c not in self._heads}
        self._heads.update(Heads(self._context.cache).look_up(rest))
        self._take([each for content, each in rest.items() if content not in self._heads])
        return {
            each: unsafe_format(each.path, self._heads.get(self.content(each), b""))
            for each in artifacts
        }

    def _take(self, wanted: Sequence[Artifact]) -> None:
        """Reads these to their ends."""
        heads = Heads(self._context.cache)
        found = fetch(self._source, wanted, None, self._largest)
        while several := list(islice(found, 500)):
            for each in several:
                if each.gap is not None:
                    self._gap(each.gap.reason, each.artifact.place, each.gap.detail)
            self._digests.learn({each.artifact: each.sha256 for each in several if each.sha256})
            self._heads.update(heads.learn(several))

    def _cards(self, files: Iterable[Artifact]) -> list[dict[str, str]] | None:
        """What the cards say; None where one could not be read."""
        wanted = [each for each in files if each.path in CARDS and each.size <= MOST_BYTES]
        known = [self._kept_cards.get(self.content(each)) for each in wanted]
        found = [json.loads(each) for each in known if each is not None]
        unread = [each for each, card in zip(wanted, known, strict=True) if card is None]
        for artifact, stream in self._source.read(unread) if unread else ():
            if isinstance(stream, Unreadable):
                self._gap(stream.reason, artifact.place, stream.detail)
                return None
            content = b""
            try:
                while part := stream.read(MOST_BYTES):
                    content += part
            except Exception:  # each protocol has exceptions of its own
                self._gap(GapReason.TRUNCATED, artifact.place, "its card broke off")
                return None
            found.append(dict(read_card(content)))
            key = f"sha256:{hashlib.sha256(content).hexdigest()}"
            self._context.cache.put_many("models", _CARDS, {key: canonical_json(found[-1])})
        return found

    def _signature(self, place: Place, files: Sequence[Artifact]) -> str:
        """`none`, `unverified`, or a verdict; empty where nobody could tell."""
        if not files:
            return ""
        name = self._rules["signature"]
        signature = next((each for each in files if each.path == name), None)
        if signature is None:
            return "none"
        head = self._heads.get(self.content(signature), b"{")
        if not head.lstrip().startswith(b"{"):
            return Verdict.UNREADABLE.value  # the other scanners leave this file to us
        if self._signatures is None:
            return "unverified"
        contents = {each.path: self.content(each) for each in files}
        if not all(contents.values()):
            self._gap(GapReason.UNPARSED, "/".join(filter(None, place)), "not all could be read")
            return ""
        content = digest_of(contents)
        kept = self._kept_verdicts.get(content)
        if kept is not None and not self._job.fresh:
            return kept.decode()
        try:
            verdict = self._verify(files)
        except (CannotVerify, Unreadable) as error:
            self._gap(GapReason.CRASHED, "/".join(filter(None, place)), str(error))
            return ""
        kept_now = {content: verdict.value.encode()}
        self._context.cache.put_many("models", self._signing_key, kept_now)
        return verdict.value

    @cached_property
    def _signing_key(self) -> ScanKey:
        """What a verdict depends on besides the files."""
        if self._signatures is None:
            return ScanKey("", "1")
        name, loose = self._rules["signature"], self._rules["ignore_unsigned_files"]
        options = digest_of([self._signing_material(), name, loose])
        return ScanKey(self._signatures.tool.digest, "1", options=options)

    def _signing_material(self) -> list[str]:
        """Digests of keys and certificates: another key under the same name is another key."""
        paths = [*self._rules["keys"], *self._rules["certificates"]]
        return [digest_of(p.read_text("utf-8", "replace")) for p in map(Path, paths) if p.is_file()]

    def _verify(self, files: Sequence[Artifact]) -> Verdict:
        """Lays the version out in its own folders, and asks."""
        if self._signatures is None:
            raise CannotVerify("no key is configured")
        try:
            with scratch_directory(self._context.workspace.absolute() / "scratch") as directory:
                fetched = directory / "fetched"
                fetched.mkdir()
                slots = Slots(fetched)
                version = directory / "version"
                for each in fetch(self._source, files, slots, self._largest):
                    if each.gap is not None:
                        raise Unreadable(each.gap.reason, f"{each.artifact.path} cannot be read")
                    place = version / each.artifact.path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    slots.path(each.name).rename(place)
                return self._signatures.verify(version, self._rules["signature"])
        except OSError as error:
            raise no_room(self._context.workspace, error) from error

    def _unscanned(self, files: Sequence[Artifact]) -> tuple[str, ...]:
        """Tools that have not looked at every file to the end, of those that have to.

        A file that one of them could look at wholly is scanned: they differ in what they know.
        """
        name = self._rules["signature"]
        left = {c for each in files if each.path != name and (c := self.content(each))}
        left -= self._opened
        enabled = [s for s in OPENERS if self._context.config.scanners.of(s).enabled]
        return tuple(enabled) or OPENERS if left else ()

    def _gap(self, reason: GapReason, path: str, detail: str) -> None:
        self._gaps[Gap(reason, path, detail)] = None
