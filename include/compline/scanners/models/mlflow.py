"""An MLflow server as a place of models: versions, aliases, origins, and files through its proxy.

Only GET is sent, to the version 2 REST API and to `mlflow-artifacts`. A file's content has no
validator there but its size, so every artifact is `weak`. Where a server leaves artifacts in a
bucket of its own, that bucket is asked instead, if the configuration lists it: a server must not
lead our credentials anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import (
    Artifact,
    CannotList,
    Listing,
    Model,
    Readable,
    Unreadable,
    Version,
)
from compline.scanners.models.names import one_part, printable, version_order
from compline.scanners.models.rest import NotInTime, Rest
from compline.scanners.models.s3 import Bucket

API = "api/2.0/mlflow/"
PROXY = "api/2.0/mlflow-artifacts/artifacts"
_SCHEME = "mlflow-artifacts:"
_DEEPEST = 12
_AT_ONCE = 4
"""Versions asked about at once; a registry is asked politely."""
_PAGE = "1000"
_ORIGINS = {
    "commit": "mlflow.source.git.commit",
    "repository": "mlflow.source.git.repoURL",
    "source": "mlflow.source.name",
}


@dataclass(frozen=True)
class _Found:
    """A version as the server tells of it."""

    model: str
    name: str
    run: str
    tags: Mapping[str, str]
    stage: str


class MlflowRegistry:
    """One look at one server."""

    def __init__(
        self,
        rest: Rest,
        seconds: float,
        production: str,
        buckets: Sequence[str],
        bucket: Callable[[str], Bucket],
    ) -> None:
        """Asks nothing yet.

        Args:
            rest: the server.
            seconds: in which versions are listed.
            production: alias or stage that production serves.
            buckets: `s3://` URLs that the server may lead to.
            bucket: makes the place behind one.
        """
        self._rest = rest
        self._seconds = seconds
        self._production = production
        self._buckets = tuple(each.rstrip("/") + "/" for each in buckets)
        self._make_bucket = bucket
        self._opened: dict[str, Bucket] = {}

    def listing(self) -> Listing:
        """As `Source` says. What production serves is asked for first, then the newest versions;
        what does not fit into the time is a gap."""
        deadline = time.monotonic() + self._seconds
        aliases = self._aliases()
        found = self._versions()
        for each in found:
            if each.stage not in ("", "None", "Archived"):
                aliases.setdefault(each.model, {}).setdefault(each.stage, each.name)
        newest: dict[str, str] = {}
        for each in sorted(found, key=lambda one: version_order(one.name)):
            newest[each.model] = each.name

        def order(each: _Found) -> tuple[bool, bool]:
            served = aliases.get(each.model, {}).get(self._production) == each.name
            return (not served, newest[each.model] != each.name)

        artifacts: list[Artifact] = []
        gaps: list[Gap] = []
        origins: dict[tuple[str, str], Mapping[str, str]] = {}

        def ask(each: _Found) -> tuple[Mapping[str, str], list[Artifact], list[Gap]]:
            place = f"{one_part(each.model)}/{one_part(each.name)}/"
            try:
                if time.monotonic() <= deadline:
                    return self._origin(each, asked=not all(order(each))), *self._files(each, place)
            except NotInTime:
                pass
            text = f"not listed within {self._seconds:g} s (scanners.model-guard.seconds)"
            return {}, [], [Gap(GapReason.TRUNCATED, place, text)]

        ordered = sorted(found, key=order)
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="versions")
        try:
            for each, (origin, files, missing) in zip(ordered, pool.map(ask, ordered), strict=True):
                origins[each.model, each.name] = origin
                artifacts += files
                gaps += missing
        finally:
            pool.shutdown(cancel_futures=True)
        models = []
        for name in sorted({*aliases, *newest}):
            versions = sorted((e.name for e in found if e.model == name), key=version_order)
            models.append(
                Model(
                    one_part(name),
                    tuple(Version(one_part(v), origins.get((name, v), {})) for v in versions),
                    {one_part(alias): one_part(v) for alias, v in aliases.get(name, {}).items()},
                    aliases.get(name, {}).get(self._production),
                )
            )
        return Listing(tuple(artifacts), tuple(gaps), tuple(models))

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        for artifact in wanted:
            try:
                if not artifact.weak:  # only a bucket has validators
                    folder, _, name = artifact.where.rpartition("/")
                    yield artifact, self._bucket(folder).open(replace(artifact, where=name))
                else:
                    path = f"{PROXY}/{quote(artifact.where)}"
                    with self._rest.stream(path, artifact.size) as stream:
                        yield artifact, stream
            except Unreadable as problem:
                yield artifact, problem

    def close(self) -> None:
        """As `Source` says."""
        self._rest.close()
        for bucket in self._opened.values():
            bucket.close()

    def _bucket(self, folder: str) -> Bucket:
        if folder not in self._opened:
            self._opened[folder] = self._make_bucket(folder)
        return self._opened[folder]

    def _aliases(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for each in self._pages("registered-models/search", "registered_models"):
            said = each.get("aliases") or ()
            found[str(each["name"])] = {str(one["alias"]): str(one["version"]) for one in said}
        return found

    def _versions(self) -> list[_Found]:
        found = []
        for each in self._pages("model-versions/search", "model_versions"):
            tags = {str(tag["key"]): str(tag["value"]) for tag in each.get("tags") or ()}
            stage = str(each.get("current_stage") or "")
            run = str(each.get("run_id") or "")
            found.append(_Found(str(each["name"]), str(each["version"]), run, tags, stage))
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
        if version.run and asked:
            answer = self._rest.json(f"{API}runs/get", {"run_id": version.run}, missing=True)
            data = (answer or {}).get("run") or {}
            tags = {
                str(t["key"]): str(t["value"]) for t in (data.get("data") or {}).get("tags") or ()
            }
            for key, tag in _ORIGINS.items():
                if tags.get(tag):
                    known.setdefault(key, tags[tag])
            for one in (data.get("inputs") or {}).get("dataset_inputs") or ():
                known.setdefault("dataset", str((one.get("dataset") or {}).get("name", "")))
            if answer is None:
                known.pop("run")  # a run that is gone vouches for nothing
        return known

    def _files(self, version: _Found, place: str) -> tuple[list[Artifact], list[Gap]]:
        parameters = {"name": version.model, "version": version.name}
        answer = self._rest.json(f"{API}model-versions/get-download-uri", parameters, missing=True)
        uri = str((answer or {}).get("artifact_uri", ""))
        blank = Artifact("", 0, one_part(version.model), one_part(version.name), weak=True)
        if uri.startswith("s3://"):
            if not f"{uri}/".startswith(self._buckets or ("\0",)):
                text = "its files lie in a bucket that `artifacts` does not list"
                return [], [Gap(GapReason.FORBIDDEN, place, text)]
            files, gaps = self._bucket(uri).files()
            placed = [
                replace(
                    blank,
                    path=printable(each.path),
                    size=each.size,
                    validator=each.validator,
                    weak=False,
                    where=f"{uri.rstrip('/')}/{each.path}",
                )
                for each in files
            ]
            return placed, gaps
        if not uri.startswith(_SCHEME):
            return [], [Gap(GapReason.UNSUPPORTED, place, "the server does not serve its files")]
        root = uri.removeprefix(_SCHEME).lstrip("/")
        try:
            return list(self._walk(root, blank)), []
        except Unreadable as problem:
            return [], [Gap(problem.reason, place, problem.detail)]

    def _walk(
        self, root: str, blank: Artifact, inside: str = "", depth: int = 0
    ) -> Iterator[Artifact]:
        if depth > _DEEPEST:
            raise Unreadable(GapReason.TOO_MANY, "folders within folders")
        path = f"{root}/{inside}".rstrip("/")
        answer = self._rest.json(PROXY, {"path": path}, missing=True)
        if answer is None:
            raise Unreadable(GapReason.MISSING_OBJECT, "its files are not there")
        for each in answer.get("files") or ():
            name = str(each["path"]).rpartition("/")[2]
            below = f"{inside}/{name}".lstrip("/")
            if each.get("is_dir"):
                yield from self._walk(root, blank, below, depth + 1)
            else:
                size = int(each.get("file_size") or 0)
                yield replace(
                    blank,
                    path=printable(below),
                    size=size,
                    validator=str(size),
                    where=f"{root}/{below}",
                )

    def _pages(self, call: str, key: str) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        token = ""
        while True:
            more = {"page_token": token} if token else {}
            answer = self._rest.json(f"{API}{call}", {"max_results": _PAGE, **more})
            if answer is None or not isinstance(answer.get(key, []), list):
                raise CannotList(f"{call}: the answer is not an MLflow server's")
            try:
                yield from answer.get(key, [])
            except (KeyError, TypeError, AttributeError):
                raise CannotList(f"{call}: the answer is not an MLflow server's") from None
            token = str(answer.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                raise CannotList(f"{call} gives the same page again and again")
            seen.add(token)
