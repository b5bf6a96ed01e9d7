"""Data stores: an inventory of each is held against a suite of expectations."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compline.config.secrets import SecretMissing
from compline.model import (
    Completed,
    Failed,
    Look,
    Outcome,
    ScanKey,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.expectations.inventory import (
    CannotCollect,
    Inventory,
    evidence_text,
    records,
)
from compline.scanners.expectations.policy import BoundSuite, PolicyError, bind
from compline.scanners.expectations.suite import Suite
from compline.scanners.expectations.suite_file import SuiteError, built_in, load
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.services import unforeseen

ADAPTER = "1"
"""Raised whenever the same answers would be read or judged otherwise."""

_DECIDING = ("great-expectations", "pandas", "numpy", "psycopg", "pyarrow")


@dataclass(frozen=True)
class _Asked:
    """What there is to ask one store."""

    target: Target
    kind: str
    suite: Suite
    bound: BoundSuite
    seconds: float

    @property
    def suffix(self) -> str:
        return Path(str(self.target.settings.get("path") or "")).suffix.lower()


def _collect_postgresql(asked: _Asked, context: ScanContext) -> Inventory:
    from compline.scanners.expectations import postgresql, postgresql_frames

    reference = asked.target.settings.get("url")
    if not reference:
        raise CannotCollect("a postgresql store needs `url: env:NAME` with its connection URL")
    answers = postgresql.ask(context.secrets.resolve(str(reference)), asked.seconds)
    return postgresql_frames.inventory_of(answers, asked.bound.values.get("grants") or {})


def _collect_inventory(asked: _Asked, context: ScanContext) -> Inventory:
    from compline.scanners.expectations import files

    path = asked.target.settings.get("path")
    if not path:
        raise CannotCollect("an inventory needs `path:` with its file")
    inventory = files.collect(
        Path(str(path)),
        dict(asked.target.settings.get("columns") or {}),
        context.config.limits.tool_output_mb * 1_000_000,
    )
    rows, least = len(inventory.frames[files.FRAME]), asked.bound.values.get("minimum_rows") or 1
    if rows < least:
        raise CannotCollect(
            f"{path} has {rows} rows, fewer than the policy's minimum_rows ({least}): it may have "
            "been cut short"
        )
    return inventory


_COLLECTORS: Mapping[str, Callable[[_Asked, ScanContext], Inventory]] = {
    "postgresql": _collect_postgresql,
    "inventory": _collect_inventory,
}


class DataExpectations:
    """PostgreSQL servers and inventory files, judged by Great Expectations; always asked live."""

    name = "data-expectations"
    kinds = frozenset({TargetKind.DATA_STORE})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key with the built-in suites; a look's own key has its store's suite and policy."""
        try:
            rules = digest_of({kind: built_in(kind).digest for kind in sorted(_COLLECTORS)})
            return _key(rules, {"seconds": self._seconds(context)})
        except SuiteError as error:
            raise CannotScan(str(error)) from error

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Asks each store in turn; whatever goes wrong with one is its own Failed look."""
        proved: set[tuple[str, str]] = set()
        for job in jobs:
            context.progress(f"{job.target.name}: expectations")
            yield self._look(job.target, context, proved)

    def _seconds(self, context: ScanContext) -> float:
        return float(context.config.scanners.of(self.name).seconds)

    def _look(self, target: Target, context: ScanContext, proved: set[tuple[str, str]]) -> Look:
        started = time.monotonic()
        key: ScanKey | None = None
        outcome: Outcome
        warnings: tuple[str, ...] = ()
        evidence: tuple[str, ...] = ()
        try:
            asked = self._asked(target, context)
            key = _key(
                asked.suite.digest,
                {
                    "policy": target.settings.get("policy") or {},
                    "columns": target.settings.get("columns") or {},
                    "seconds": asked.seconds,
                },
            )
            outcome, warnings, report = self._judge(asked, context, proved)
            evidence = (context.evidence.put(report),)
        except Exception as error:
            outcome = Failed(_explained(error))
        return Look(
            target=target.name,
            scanner=self.name,
            outcome=outcome,
            revision=context.now.isoformat(timespec="seconds"),
            scan_key=key,
            tool_version=f"great-expectations {version('great-expectations')}",
            warnings=warnings,
            evidence=evidence,
            seconds=round(time.monotonic() - started, 3),
        )

    def _asked(self, target: Target, context: ScanContext) -> _Asked:
        kind = str(target.settings.get("kind") or "")
        if kind not in _COLLECTORS:
            raise CannotCollect(f"no collector for {kind!r}; there are {', '.join(_COLLECTORS)}")
        own = target.settings.get("suite")
        suite = load(Path(str(own))) if own else built_in(kind)
        bound = bind(suite, target.settings.get("policy") or {})
        return _Asked(target, kind, suite, bound, self._seconds(context))

    def _judge(
        self, asked: _Asked, context: ScanContext, proved: set[tuple[str, str]]
    ) -> tuple[Completed, tuple[str, ...], bytes]:
        from compline.scanners.expectations import canary
        from compline.scanners.expectations.findings import hold_against

        # The store is asked first: a store that is down costs no import of Great Expectations.
        inventory = _COLLECTORS[asked.kind](asked, context)
        if (asked.kind, asked.suffix) not in proved:
            canary.prove_built_in(asked.kind, asked.suffix)
            proved.add((asked.kind, asked.suffix))
        unproved = canary.prove_own(asked.bound) if asked.target.settings.get("suite") else ()
        verdict = hold_against(asked.bound, inventory, self.name)
        warnings = []
        if asked.bound.left_out:
            warnings.append(
                f"not asked, since the policy does not declare what is right: "
                f"{', '.join(asked.bound.left_out)}"
            )
        own = [name for name in unproved if name not in _built_in_ids(asked.suite)]
        if own:
            warnings.append(f"without a canary row of their own: {', '.join(own)}")
        report = canonical_json(
            {
                "target": asked.target.name,
                "asked": context.now.isoformat(timespec="seconds"),
                "suite": asked.suite.digest,
                "expectations": [{"id": name, "rows": rows} for name, rows in verdict.asked],
                "frames": {name: _shown(frame) for name, frame in inventory.frames.items()},
                "gaps": [gap.detail for gap in inventory.all_gaps],
            }
        )
        return Completed(verdict.observations, inventory.all_gaps), tuple(warnings), report


def _built_in_ids(suite: Suite) -> frozenset[str]:
    if not suite.extends:
        return frozenset()
    return frozenset(expectation.id for expectation in built_in(suite.extends).expectations)


def _shown(frame: Any) -> list[dict[str, str]]:
    return [
        {column: evidence_text(column, value) for column, value in row.items()}
        for row in records(frame)
    ]


def _key(rules: str, options: Mapping[str, Any]) -> ScanKey:
    tool = {name: version(name) for name in _DECIDING}
    return ScanKey(
        tool=digest_of({**tool, "python": platform.python_version()}),
        adapter=ADAPTER,
        rules=rules,
        options=digest_of(json.loads(json.dumps(options, default=str))),
    )


def _explained(error: Exception) -> str:
    from compline.scanners.expectations.canary import CanaryMissed
    from compline.scanners.expectations.gx_runner import CannotJudge

    expected = (SecretMissing, SuiteError, PolicyError, CannotCollect, CannotJudge, CanaryMissed)
    if isinstance(error, expected):
        return str(error)
    return unforeseen(error)
