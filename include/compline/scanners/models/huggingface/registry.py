"""An organisation of the Hub as a place of models: each branch and tag of each model is a version.

A version is called as its branch or tag, so that a defect in it keeps its place when something is
pushed; it is listed and read at the commit that the name pointed to at first, so that nothing is
mixed when something is pushed meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import (
    Artifact,
    Listing,
    Model,
    Readable,
    Unreadable,
    Version,
    alias_of,
)
from compline.scanners.models.huggingface.answers import MAIN, Ref, Refs, version_of
from compline.scanners.models.huggingface.hub import Hub
from compline.scanners.models.places.ahead import AT_ONCE, read_ahead
from compline.scanners.models.places.pace import not_listed

_DEFAULT = "production"
"""The default of `models.production`: here it means the branch `main`."""


@dataclass(frozen=True)
class _Found:
    """A version as the listing knows of it."""

    model: str
    ref: Ref
    served: bool

    @property
    def place(self) -> str:
        return f"{self.model}/{self.ref.version}/"


class HubRegistry:
    """One look at one organisation."""

    def __init__(
        self, hub: Hub, seconds: float, production: str, about: tuple[str, str] | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
            hub: the organisation.
            seconds: in which versions are listed.
            production: branch or tag that production serves.
            about: model and version, as places name them, that the gate asks about.
        """
        self._hub, self._seconds, self._about = hub, seconds, about
        self._said = production != _DEFAULT
        self._production = production if ":" in production else version_of(production)
        if not self._said:
            self._production = MAIN

    def listing(self) -> Listing:
        """As `Source` says. What production serves is listed first, then the newest versions;
        what does not fit into the time is a gap."""
        deadline = time.monotonic() + self._seconds
        names = self._hub.models()
        if self._about:
            names.sort(key=lambda name: name != (self._about or ("",))[0])
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="versions")
        try:
            # Half of the time at most to learn which versions there are, so that these are listed.
            half = deadline - self._seconds / 2
            told = dict(
                zip(names, pool.map(lambda name: self._refs(name, half), names), strict=True)
            )
            found = [
                _Found(name, ref, ref.version == self._production)
                for name, refs in told.items()
                if isinstance(refs, Refs)
                for ref in refs.versions
            ]
            newest = {
                (e.model, e.ref.version) for e in {each.model: each for each in found}.values()
            }

            def order(each: _Found) -> tuple[bool, bool]:
                place = each.model, each.ref.version
                return not (each.served or place == self._about), place not in newest

            found.sort(key=order)
            answers = list(pool.map(lambda each: self._files(each, deadline), found))
        finally:
            pool.shutdown(cancel_futures=True)
        gaps = [gap for name, refs in sorted(told.items()) for gap in self._unclear(name, refs)]
        gaps += [gap for _, missing in answers for gap in missing]
        artifacts = tuple(each for files, _ in answers for each in files)
        models = tuple(self._model(name, refs) for name, refs in sorted(told.items()))
        return Listing(artifacts, tuple(gaps), models)

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        return read_ahead(wanted, self._open)

    def _open(self, artifact: Artifact) -> AbstractContextManager[Readable]:
        return self._hub.open(artifact)

    def close(self) -> None:
        """As `Source` says."""
        self._hub.close()

    def _refs(self, name: str, until: float) -> Refs | Gap:
        try:
            if time.monotonic() <= until:
                return self._hub.refs(name)
        except Unreadable as problem:
            return Gap(problem.reason, f"{name}/", problem.detail)
        return Gap(GapReason.TRUNCATED, f"{name}/", not_listed(self._seconds))

    def _files(self, each: _Found, until: float) -> tuple[list[Artifact], list[Gap]]:
        try:
            if time.monotonic() <= until:
                return self._hub.files(each.model, each.ref)
        except Unreadable as problem:
            return [], [Gap(problem.reason, each.place, problem.detail)]
        return [], [Gap(GapReason.TRUNCATED, each.place, not_listed(self._seconds))]

    def _model(self, name: str, refs: Refs | Gap) -> Model:
        if isinstance(refs, Gap):
            return Model(name, ())
        versions = tuple(
            Version(ref.version, draft=ref.branch and ref.version != self._production)
            for ref in refs.versions
        )
        served = any(each.name == self._production for each in versions)
        return Model(name, versions, served=self._production if served else None)

    def _unclear(self, name: str, refs: Refs | Gap) -> Iterator[Gap]:
        """What is not known of a model's versions, or of the one that production serves."""
        if isinstance(refs, Gap):
            yield refs
            yield Gap(refs.reason, alias_of(name), refs.detail)
            return
        for version in refs.ambiguous:
            text = "a branch and a tag are called so, and are looked at as `branch:` and `tag:`"
            yield Gap(GapReason.UNRESOLVED, f"{name}/{version}/", f"{text}: rename one of them")
        known = {ref.version for ref in refs.versions}
        if self._production in refs.ambiguous:
            text = "a branch and a tag are called as what production is said to serve"
            yield Gap(GapReason.UNRESOLVED, alias_of(name), text)
        elif self._said and self._production not in known:
            text = "it has no branch or tag of the name that production is said to serve"
            yield Gap(GapReason.UNRESOLVED, alias_of(name), text)
