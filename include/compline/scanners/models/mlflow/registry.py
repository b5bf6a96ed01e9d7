"""An MLflow server as a place of models: versions, aliases, origins, and files through its proxy.

Nothing is sent but GET and, for many runs at once, one search by POST, to the version 2 REST API
and to `mlflow-artifacts`. A file's content has no validator there but its size, so every artifact
is `weak`. Where a server leaves artifacts in a bucket of its own, that bucket is asked instead, if
the configuration lists it: a server must not lead our credentials anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import (
    Artifact,
    Listing,
    Model,
    Readable,
    Unreadable,
    Version,
)
from compline.scanners.models.mlflow.origins import Origins
from compline.scanners.models.mlflow.proxy import Proxy
from compline.scanners.models.mlflow.rest import API, NotInTime, Rest
from compline.scanners.models.mlflow.runs import Runs
from compline.scanners.models.names import one_part, printable, version_order
from compline.scanners.models.places.ahead import AT_ONCE, closed, read_ahead
from compline.scanners.models.places.bucket_parts import SCHEME, Part, files_of
from compline.scanners.models.places.buckets import Buckets
from compline.scanners.models.places.pace import not_listed
from compline.scanners.models.places.s3 import Bucket

_PROXIED = "mlflow-artifacts:"
_Answer = tuple[Mapping[str, str], list[Artifact], list[Gap]]
"""A version's origin, its files, and what of it could not be seen."""


@dataclass(frozen=True)
class _Found:
    """A version as the server tells of it."""

    model: str
    name: str
    run: str
    tags: Mapping[str, str]
    stage: str
    source: str
    """Where its files were said to lie when it was made."""


class MlflowRegistry:
    """One look at one server."""

    def __init__(
        self,
        rest: Rest,
        seconds: float,
        production: str,
        buckets: Sequence[str],
        bucket: Callable[[str], Bucket],
        runs: Runs,
        about: tuple[str, str] | None = None,
    ) -> None:
        """Asks nothing yet.

        Args:
            rest: the server.
            seconds: in which versions are listed.
            production: alias or stage that production serves.
            buckets: `s3://` URLs that the server may lead to.
            bucket: makes the place behind one.
            runs: what is known of them.
            about: model and version, as places name them, that the gate asks about.
        """
        self._rest = rest
        self._proxy = Proxy(rest)
        self._seconds = seconds
        self._production = production
        self._buckets = Buckets(buckets, bucket)
        self._origins = Origins(rest, runs)
        self._about = about

    def listing(self) -> Listing:
        """As `Source` says. What production serves is asked for first, then the newest versions;
        what does not fit into the time is a gap."""
        deadline = time.monotonic() + self._seconds
        aliases = self._aliases()
        found = self._versions()
        # Of several in one stage MLflow serves the latest; it lists what was touched last first.
        for each in sorted(found, key=lambda one: version_order(one.name), reverse=True):
            if each.stage not in ("", "None", "Archived"):
                aliases.setdefault(each.model, {}).setdefault(each.stage, each.name)
        versions: dict[str, list[str]] = {name: [] for name in aliases}
        for each in sorted(found, key=lambda one: version_order(one.name)):
            versions.setdefault(each.model, []).append(each.name)

        def order(each: _Found) -> tuple[bool, bool]:
            served = aliases.get(each.model, {}).get(self._production) == each.name
            return (not (served or self._is_about(each)), versions[each.model][-1] != each.name)

        artifacts: list[Artifact] = []
        gaps: list[Gap] = []
        origins: dict[tuple[str, str], Mapping[str, str]] = {}

        # Half of the time at most to learn where files lie, so that those can be listed.
        half = deadline - self._seconds / 2

        def late(until: float) -> bool:
            return time.monotonic() > until

        def ask(each: _Found, uri: str | None) -> _Answer:
            place = f"{one_part(each.model)}/{one_part(each.name)}/"
            try:
                if uri is not None and not late(deadline):
                    origin = self._origin(each, asked=not all(order(each)))
                    return origin, *self._files(each, uri, place)
            except NotInTime:
                pass
            return {}, [], [Gap(GapReason.TRUNCATED, place, not_listed(self._seconds))]

        def locate(each: _Found) -> str | None:
            try:
                return None if late(half) else self._uri(each)
            except NotInTime:
                return None

        ordered = sorted(found, key=order)
        judged = dict.fromkeys(each.run for each in ordered if each.run and not all(order(each)))
        for each in filter(self._is_about, found):
            judged.pop(each.run, None)  # the gate is not answered from memory
        self._origins.look_up(list(judged), lambda: late(half))
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="versions")
        try:
            uris = list(pool.map(locate, ordered))
            self._buckets.expect([uri for uri in uris if uri and self._buckets.allows(uri)])
            answers = pool.map(ask, ordered, uris)
            for each, (origin, files, missing) in zip(ordered, answers, strict=True):
                origins[each.model, each.name] = origin
                artifacts += files
                gaps += missing
        finally:
            pool.shutdown(cancel_futures=True)
            self._origins.keep()
        models = []
        for name, names in sorted(versions.items()):
            models.append(
                Model(
                    one_part(name),
                    tuple(Version(one_part(v), origins.get((name, v), {})) for v in names),
                    {one_part(alias): one_part(v) for alias, v in aliases.get(name, {}).items()},
                    aliases.get(name, {}).get(self._production),
                )
            )
        return Listing(tuple(artifacts), tuple(gaps), tuple(models))

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        return read_ahead(wanted, self._open)

    def _open(self, artifact: Artifact) -> AbstractContextManager[Readable]:
        # Only a bucket has validators.
        if artifact.weak:
            return self._proxy.open(artifact)
        return closed(self._buckets.open(artifact))

    def close(self) -> None:
        """As `Source` says."""
        self._rest.close()
        self._buckets.close()

    def _is_about(self, version: _Found) -> bool:
        return (one_part(version.model), one_part(version.name)) == self._about

    def _aliases(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for each in self._rest.pages("registered-models/search", "registered_models"):
            said = each.get("aliases") or ()
            found[str(each["name"])] = {str(one["alias"]): str(one["version"]) for one in said}
        return found

    def _versions(self) -> list[_Found]:
        found = []
        for each in self._rest.pages("model-versions/search", "model_versions"):
            tags = {str(tag["key"]): str(tag["value"]) for tag in each.get("tags") or ()}
            stage = str(each.get("current_stage") or "")
            run = str(each.get("run_id") or "")
            names = str(each["name"]), str(each["version"])
            found.append(_Found(*names, run, tags, stage, str(each.get("source") or "")))
        return found

    def _origin(self, version: _Found, *, asked: bool) -> Mapping[str, str]:
        """Of tags, and of the run where this version is judged by it."""
        known = {
            key: version.tags[key]
            for key in ("commit", "dataset", "license")
            if key in version.tags
        }
        if version.run:
            known["run"] = version.run
        if not version.run or not asked:
            return known
        said = self._origins.of(version.run)
        if said is None:
            known.pop("run")  # a run that is gone vouches for nothing
        return {**(said or {}), **known}

    def _uri(self, version: _Found) -> str:
        """Where its files lie. What is no reference to something else (`runs:/`, `models:/`) the
        server keeps as it was given, and needs not be asked for again."""
        if version.source.startswith((_PROXIED, SCHEME)):
            return version.source
        parameters = {"name": version.model, "version": version.name}
        answer = self._rest.json(f"{API}model-versions/get-download-uri", parameters, missing=True)
        return str((answer or {}).get("artifact_uri", ""))

    def _files(self, version: _Found, uri: str, place: str) -> tuple[list[Artifact], list[Gap]]:
        blank = Artifact("", 0, one_part(version.model), one_part(version.name), weak=True)
        if uri.startswith(SCHEME):
            found = files_of(self._buckets, Part(uri, folder=True))
            if isinstance(found, tuple):
                reason, text = found
                return [], [Gap(reason, place, text)]
            return [
                replace(each, path=printable(each.path), model=blank.model, version=blank.version)
                for each in found
            ], []
        if not uri.startswith(_PROXIED):
            return [], [Gap(GapReason.UNSUPPORTED, place, "the server does not serve its files")]
        root = uri.removeprefix(_PROXIED).lstrip("/")
        try:
            return list(self._proxy.files(root, blank)), []
        except Unreadable as problem:
            return [], [Gap(problem.reason, place, problem.detail)]
