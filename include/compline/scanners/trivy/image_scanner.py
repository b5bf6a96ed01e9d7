"""Trivy over container images: packages, secrets in every layer, misconfiguration, age.

An image is scanned once and kept by its digest, with its CycloneDX document; when the
vulnerability database moves, only the document is matched again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from compline.advisories.age import stale_warning
from compline.evidence.locker import EvidenceMissing
from compline.model import (
    Completed,
    Failed,
    Gap,
    Look,
    Observation,
    ScanKey,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.trivy.command import RULES, Means, Trivy, TrivyFailed, means, scratch
from compline.scanners.trivy.image_age import end_of_life, too_old
from compline.scanners.trivy.image_canary import check_image, write_canary_image
from compline.scanners.trivy.image_layers import for_trivy
from compline.scanners.trivy.image_match import MatchedImage, match_image, matched_image
from compline.scanners.trivy.image_reader import IMAGE_CONFIG, ImageReader, for_convert
from compline.scanners.trivy.licences import LicencePolicy
from compline.scanners.trivy.report import Json, evidence_of
from compline.source.images import open_image
from compline.source.snapshot import SourceError
from compline.tools.process import Finished, ToolError

_ADAPTER = "2"


@dataclass(frozen=True)
class _StoredImage:
    """What is kept of an image: everything that depends neither on the database nor the date."""

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    created: str
    """ISO time of building; empty if it does not say."""
    sbom: str
    """Digest of its CycloneDX document in the locker; empty if it has no packages."""
    evidence: tuple[str, ...]


_stored: TypeAdapter[_StoredImage] = TypeAdapter(_StoredImage)


class TrivyImage:
    """Packages, secrets, misconfiguration and age of container images."""

    name = "trivy-image"
    kinds = frozenset({TargetKind.IMAGE})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, our rules, the key that hashes secrets, the database, and the day.

        An image grows too old without changing: so its look is good for a day. The day stands
        beside the database, for both are what is known of an image that has stayed the same.

        Raises:
            CannotScan: one of them is missing.
        """
        return _look_key(_image_key(context, given := means(context, self.name)), given, context)

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job: first images that are known, then the others as they are done.

        Raises:
            CannotScan: as for `scan_key`, or the canary image was missed.
        """
        given = means(context, self.name)
        key = _image_key(context, given)
        names = {f"image:{job.revision}" for job in jobs if not job.fresh and job.revision}
        kept = context.cache.get_many(self.name, key, names)
        waiting = []
        for job in jobs:
            value = None if job.fresh else kept.get(f"image:{job.revision}")
            image = _stored.validate_json(value) if value else None
            if image is not None and _has_evidence(image, context):
                yield _timed(partial(self._look, job, image, given, context))
            else:
                waiting.append(job)
        if not waiting:
            return
        self._prove(given, context)
        with ThreadPoolExecutor(max(1, context.processes)) as pool:
            futures = [pool.submit(self._scan, job, given, context) for job in waiting]
            for future in as_completed(futures):
                yield future.result()

    def _prove(self, given: Means, context: ScanContext) -> None:
        """Scans the canary image, each time before others are scanned."""
        try:
            with scratch(given, context.workspace) as trivy:
                archive = trivy.directory / "canary.tar"
                write_canary_image(archive)
                report, _ = _run(trivy, archive, self._families(context))
            check_image(report.get("Results") or (), self._families(context))
        except (TrivyFailed, ToolError) as error:
            raise CannotScan(
                f"trivy does not find the known defects that it is tried with: {error}; "
                "run `compline tools install trivy`"
            ) from error

    def _scan(self, job: Job, given: Means, context: ScanContext) -> Look:
        return _timed(partial(self._scanned, job, given, context))

    def _scanned(self, job: Job, given: Means, context: ScanContext) -> Look:
        look = Look(job.target.name, self.name, Failed(""), job.revision)
        if job.open_archive is None:
            return replace(look, outcome=Failed("there is no archive of the image"))
        context.progress(f"trivy-image: {job.target.name}")
        settings = context.config.scanners.trivy_image
        policy = LicencePolicy(settings.forbidden_licences)
        reader = ImageReader(self.name, settings.scanners, given.key, policy)
        try:
            image_file = job.open_archive()
            facts = open_image(image_file, verify=False)
            with scratch(given, context.workspace) as trivy:
                archive = for_trivy(image_file, trivy.directory / "layout")
                report, finished = _run(trivy, archive, settings.scanners)
                log = finished.stderr.decode(errors="replace")
                observations, gaps, packages = reader.read(report, image_file, log)
                sbom = _sbom(trivy, report, job.target.name) if packages else b""
        except (SourceError, TrivyFailed, ToolError) as error:
            return replace(look, outcome=Failed(str(error)))
        created = facts.created.isoformat() if facts.created else ""
        results = [
            {**result, "Target": str(result.get("Target")).replace(str(archive), IMAGE_CONFIG)}
            for result in report.get("Results") or ()
        ]
        document = {"scanner": self.name, "image": job.revision, "results": evidence_of(results)}
        evidence = [context.evidence.put(canonical_json(document))]
        if sbom:
            evidence.append(context.evidence.put(sbom))
        image = _StoredImage(
            tuple(observations), tuple(gaps), created, evidence[1] if sbom else "", tuple(evidence)
        )
        name = {f"image:{job.revision}": _stored.dump_json(image)}
        context.cache.put_many(self.name, _image_key(context, given), name)
        look = self._look(job, image, given, context)
        return replace(look, sandbox=finished.sandbox, fresh=not isinstance(look.outcome, Failed))

    def _look(self, job: Job, image: _StoredImage, given: Means, context: ScanContext) -> Look:
        """The look at an image that was scanned, now or before."""
        key = _look_key(_image_key(context, given), given, context)
        look = Look(
            job.target.name,
            self.name,
            Failed(""),
            job.revision,
            scan_key=key,
            tool_version=given.tool.version,
            evidence=image.evidence,
            fresh=False,
        )
        matched, sandbox = MatchedImage((), (), "", 0), ""
        if image.sbom and given.database is not None:
            try:
                matched, sandbox = _matched(image, job, given, context)
            except (TrivyFailed, ToolError, EvidenceMissing) as error:
                text = f"vulnerabilities could not be looked up: {error}"
                return replace(look, outcome=Failed(text))
        settings = context.config.scanners.trivy_image
        aged: tuple[Observation, ...] = ()
        warnings: tuple[str, ...] = ()
        if "misconfig" in settings.scanners:
            most = settings.image_max_age_days
            aged, warnings = too_old(self.name, image.created, context.now, most)
        ended = end_of_life(self.name, matched.end_of_life)
        said = given.bound(image.observations, job.target.name)
        observations = (*said, *aged, *ended, *matched.observations)
        look = replace(
            look,
            outcome=Completed(observations, (*image.gaps, *matched.gaps)),
            sandbox=sandbox,
            warnings=warnings,
        )
        if given.database is None:
            return look
        database, limit = given.database, context.config.advisories.max_age_days
        stale = stale_warning("Trivy's advisories", database.date, context.now, limit)
        answers = {
            "scanner": self.name,
            "database": {"digest": database.digest, "date": database.date},
            "packages": matched.packages,
            "vulnerable": sorted({f"{each.subject} {each.rule}" for each in matched.observations}),
        }
        return replace(
            look,
            advisory_date=database.date,
            warnings=(*warnings, *database.warnings, *([stale] if stale else [])),
            evidence=(*look.evidence, context.evidence.put(canonical_json(answers))),
        )

    @staticmethod
    def _families(context: ScanContext) -> tuple[str, ...]:
        return context.config.scanners.trivy_image.scanners


def _image_key(context: ScanContext, given: Means) -> ScanKey:
    settings = context.config.scanners.trivy_image
    options = [
        context.config.limits.model_dump(),
        sorted(settings.scanners),
        sorted(settings.forbidden_licences),
        list(given.key.ids) if given.key else [],
    ]
    return ScanKey(given.tool.digest, _ADAPTER, rules=digest_of(RULES), options=digest_of(options))


def _look_key(image_key: ScanKey, given: Means, context: ScanContext) -> ScanKey:
    settings = context.config.scanners.trivy_image
    database = given.database.digest if given.database else ""
    known = [database, context.now.date().isoformat(), settings.image_max_age_days]
    return replace(image_key, advisories=digest_of(known))


def _matched(
    image: _StoredImage, job: Job, given: Means, context: ScanContext
) -> tuple[MatchedImage, str]:
    assert given.database is not None  # noqa: S101 - the caller has looked
    key = ScanKey(given.tool.digest, _ADAPTER, advisories=given.database.digest)
    name = f"sbom:{image.sbom}"
    if not job.fresh and (kept := context.cache.get_many("trivy-image", key, [name]).get(name)):
        return matched_image.validate_json(kept), ""
    sbom = context.evidence.get(image.sbom)
    matched, sandbox = match_image(sbom, given, context, "trivy-image")
    context.cache.put_many("trivy-image", key, {name: matched_image.dump_json(matched)})
    return matched, sandbox


def _run(trivy: Trivy, archive: Path, kinds: Sequence[str]) -> tuple[Json, Finished]:
    families = [kind for kind in kinds if kind != "vuln"] or ["license"]
    of_config = [kind for kind in families if kind in ("misconfig", "secret")]
    arguments: list[str | Path] = ["--scanners", ",".join(families), "--input", archive]
    if of_config:
        arguments += ["--image-config-scanners", ",".join(of_config)]
    return trivy.scan("image", arguments, [archive])


def _sbom(trivy: Trivy, report: Json, name: str) -> bytes:
    path = trivy.directory / "packages.json"
    path.write_text(json.dumps(for_convert(report, name)))
    return trivy.convert(path)


def _has_evidence(image: _StoredImage, context: ScanContext) -> bool:
    """Whether all of it is still there (retention may have taken it); else it is scanned again."""
    try:
        whole = not image.sbom or bool(context.evidence.get(image.sbom))
    except EvidenceMissing:
        return False
    return whole and all(context.evidence.has(digest) for digest in image.evidence)


def _timed(make: Callable[[], Look]) -> Look:
    started = time.monotonic()
    look = make()
    return replace(look, seconds=time.monotonic() - started)
