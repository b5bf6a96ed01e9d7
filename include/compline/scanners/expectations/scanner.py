"""Whatever can be described as tables: an inventory is held against a suite of expectations."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compline.model import (
    Completed,
    Look,
    Outcome,
    ScanKey,
    Skipped,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.expectations import canary, columns
from compline.scanners.expectations.canary import CanaryMissed
from compline.scanners.expectations.collector import (
    Asked,
    collector,
    kind_of,
    kinds_of,
    tools_of,
)
from compline.scanners.expectations.deadline import within
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.gx_runner import CannotJudge
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
from compline.scanners.live import Notes, live_look
from compline.tools.toolbox import Toolbox, ToolUnavailable

ADAPTER = "3"
"""Raised whenever the same answers would be read or judged otherwise."""

_DECIDING = ("great-expectations", "pandas", "numpy")


class InventoryScanner:
    """Targets of some kinds, judged by Great Expectations; always asked live."""

    name: str
    kinds: frozenset[TargetKind]

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key with the built-in suites; a look's own key has its target's suite and policy."""
        known = kinds_of(self.kinds)
        try:
            rules = digest_of({kind: built_in(kind).digest for kind in known})
        except SuiteError as error:
            raise CannotScan(str(error)) from error
        packages = {name for kind in known for name in collector(kind).PACKAGES}
        tools = {name for kind in known for name in tools_of(kind)}
        try:
            return _key(packages, rules, {"seconds": self._seconds(context)}, tools, context.tools)
        except ToolUnavailable as error:
            raise CannotScan(str(error)) from error

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Asks each target in turn; whatever goes wrong with one is its own Failed look."""
        proved: set[tuple[str, str]] = set()
        for job in jobs:
            context.progress(f"{job.target.name}: expectations")
            yield self.look(job.target, context, proved)

    def look(self, target: Target, context: ScanContext, proved: set[tuple[str, str]]) -> Look:
        """One target's look.

        Args:
            target: it.
            context: of the run.
            proved: (kind, variant) of the canaries that were found in this shard; added to.
        """
        return live_look(
            target,
            self.name,
            context,
            f"great-expectations {version('great-expectations')}",
            (SuiteError, PolicyError, CannotCollect, CannotJudge, CanaryMissed, ToolUnavailable),
            lambda notes: self._judge(target, context, proved, notes),
        )

    def _kind(self, target: Target) -> str:
        return kind_of(target)

    def _seconds(self, context: ScanContext) -> float:
        return float(context.config.scanners.of(self.name).seconds)

    def _judge(
        self, target: Target, context: ScanContext, proved: set[tuple[str, str]], notes: Notes
    ) -> Outcome:
        kind = self._kind(target)
        own = target.settings.get("suite")
        suite = load(Path(str(own))) if own else built_in(kind)
        bound = bind(suite, target.settings.get("policy") or {})
        seconds = self._seconds(context)
        ask = collector(kind)
        notes.key = _key(
            ask.PACKAGES,
            suite.digest,
            {"settings": dict(target.settings), "seconds": seconds},
            tools_of(kind),
            context.tools,
        )
        asked = Asked(
            target,
            bound.values,
            seconds,
            context.config,
            context.secrets,
            context.now,
            airflow=context.airflow,
            tools=context.tools,
            standing=context.standing,
            trees=context.trees,
        )
        # Asked first: a service that is down costs no import of Great Expectations.
        inventory = within(seconds, f"scanners.{self.name}.seconds", lambda: ask.collect(asked))
        notes.sandbox = inventory.sandbox
        if any(one.optional for one in bound.expectations):
            if not target.settings.get("columns"):
                before = columns.asked_of(context.memory(target.name, self.name))
                columns.check_kept(before, inventory)
            notes.memory = columns.remember(columns.told_columns(bound, inventory))
        return self._held(kind, suite, bound, asked, inventory, proved, notes)

    def _held(
        self,
        kind: str,
        suite: Suite,
        bound: BoundSuite,
        asked: Asked,
        inventory: Inventory,
        proved: set[tuple[str, str]],
        notes: Notes,
    ) -> Completed:
        variant = collector(kind).variant(asked)
        if (kind, variant) not in proved:
            canary.prove_built_in(kind, asked)
            proved.add((kind, variant))
        unproved = canary.prove_own(bound) if asked.target.settings.get("suite") else ()
        verdict = hold_against(bound, inventory, self.name)
        warnings = []
        if bound.left_out:
            warnings.append(
                f"not asked, since the policy does not declare what is right: "
                f"{', '.join(bound.left_out)}"
            )
        without = [name for name in unproved if name not in _built_in_ids(suite)]
        if without:
            warnings.append(f"without a canary row of their own: {', '.join(without)}")
        notes.warnings = tuple(warnings)
        notes.evidence.append(
            canonical_json(
                {
                    "target": asked.target.name,
                    "asked": asked.now.isoformat(timespec="seconds"),
                    "suite": suite.digest,
                    "expectations": [{"id": name, "rows": rows} for name, rows in verdict.asked],
                    "frames": {name: _shown(frame) for name, frame in inventory.frames.items()},
                    "gaps": [gap.detail for gap in inventory.all_gaps],
                }
            )
        )
        return Completed(verdict.observations, inventory.all_gaps, inventory.facts, inventory.links)


class DataExpectations(InventoryScanner):
    """Data stores and inventory files."""

    name = "data-expectations"
    kinds = frozenset({TargetKind.DATA_STORE})

    def _judge(
        self, target: Target, context: ScanContext, proved: set[tuple[str, str]], notes: Notes
    ) -> Outcome:
        if target.settings.get("kind") == "dataset":
            return Skipped("a file of data has no settings or grants: column-content looks into it")
        return super()._judge(target, context, proved, notes)


def _built_in_ids(suite: Suite) -> frozenset[str]:
    if not suite.extends:
        return frozenset()
    return frozenset(expectation.id for expectation in built_in(suite.extends).expectations)


def _shown(frame: Any) -> list[dict[str, str]]:
    """The frame as evidence; its cells are masked once per different text, since they repeat."""
    known: dict[tuple[str, str], str] = {}

    def shown(column: str, value: object) -> str:
        if not isinstance(value, str):
            return evidence_text(column, value)
        key = (column, value)
        if key not in known:
            known[key] = evidence_text(column, value)
        return known[key]

    return [
        {column: shown(column, value) for column, value in row.items()} for row in records(frame)
    ]


def _key(
    packages: Collection[str],
    rules: str,
    options: Mapping[str, Any],
    tools: Collection[str],
    toolbox: Toolbox,
) -> ScanKey:
    tool = {name: version(name) for name in (*_DECIDING, *packages)}
    tool |= {name: toolbox.get(name).digest for name in tools}
    return ScanKey(
        tool=digest_of({**tool, "python": platform.python_version()}),
        adapter=ADAPTER,
        rules=rules,
        options=digest_of(json.loads(json.dumps(options, default=str))),
    )
