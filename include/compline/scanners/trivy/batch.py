"""Scanning exported trees with trivy: several in one process, split when one of them breaks it.

Each tree lies in a directory of its own below the scanned root. That keeps trivy from passing over
`dev/`, `proc/` and `sys/` (it skips them directly below its root, thinking of a root file system),
and lets trees share the second and a half that loading its checks takes.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compline.model import Gap, GapReason, Observation, ScanKey
from compline.scanners.interface import CannotScan, ScanContext
from compline.scanners.trivy.canary import CanaryMissed, check_tree, plant_tree
from compline.scanners.trivy.command import Means, TrivyFailed, scratch
from compline.scanners.trivy.comments import blunt
from compline.scanners.trivy.packages import ListedPackage
from compline.scanners.trivy.problems import silent_locks, told
from compline.source.snapshot import Entry, Snapshot, SourceError
from compline.tools.process import ToolError

_logger = logging.getLogger(__name__)

_START_SECONDS = 180
_SECONDS_PER_MB = 60
"""Time that a process gets, many times what it takes. The less there is left, the sooner it is
given up: else the search for a file on which trivy hangs would take the limit at every step."""
_PROVED = "canary"
"""Under which it is kept in the results cache that the canary was found."""


@dataclass(frozen=True)
class Unit:
    """A tree, or the part of it that is left after splitting."""

    snapshot: Snapshot
    entries: tuple[Entry, ...]
    tag: str = field(default_factory=lambda: secrets.token_hex(8))
    """The directory it is exported to; nobody can know it beforehand and refer to it."""


@dataclass(frozen=True)
class TreeReport:
    """What trivy says of one tree, apart from its vulnerabilities."""

    observations: tuple[Observation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    packages: tuple[ListedPackage, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    sandbox: str = ""

    def joined(self, other: TreeReport) -> TreeReport:
        """With the report on another part of the same tree."""
        return TreeReport(
            self.observations + other.observations,
            self.gaps + other.gaps,
            self.packages + other.packages,
            self.evidence + other.evidence,
            self.sandbox or other.sandbox,
        )


Read = Callable[[Unit, Path, Sequence[dict[str, Any]], Mapping[str, str]], TreeReport]
"""Reads the results on a unit, exported to a directory, with the texts that were blunted."""
Outcome = TreeReport | TrivyFailed


class Batch:
    """Scans units with the same means; holds no state between calls."""

    def __init__(
        self, kinds: Sequence[str], given: Means, context: ScanContext, read: Read
    ) -> None:
        self._kinds = kinds
        self._means = given
        self._context = context
        self._read = read

    def prove(self) -> None:
        """Scans the canary alone.

        Raises:
            TrivyFailed: it failed, or missed it.
            ToolError: it was ended.
        """
        self._once([])

    def prove_once(self, scanner: str, key: ScanKey) -> None:
        """Scans the canary alone, unless a scan with this key has found it before.

        Args:
            scanner: in whose name that is kept.
            key: of its results.

        Raises:
            CannotScan: it was missed: a trivy that does not find what is planted is not believed.
        """
        if self._context.cache.get_many(scanner, key, [_PROVED]):
            return
        try:
            self.prove()
        except (TrivyFailed, ToolError) as error:
            raise CannotScan(
                f"trivy does not find the known defects that it is tried with: {error}; "
                "run `compline tools install trivy`"
            ) from error
        self._context.cache.put_many(scanner, key, {_PROVED: b"found"})

    def scan(self, units: Sequence[Unit]) -> list[Outcome]:
        """Scans all units in one process; the outcomes are in their order.

        A process that breaks is started again with half of what it had, until the file that
        breaks it is alone, and that is a gap. For that it gets twice the time that one process
        may take.
        """
        deadline = time.monotonic() + 3 * self._means.limits.tool_seconds
        try:
            return self._once(units)
        except CanaryMissed as error:
            return [error for _ in units]
        except _Astray:
            return [outcome for unit in units for outcome in self.scan([unit])]
        except (TrivyFailed, ToolError) as error:
            try:
                self.prove()
            except (TrivyFailed, ToolError) as own:
                return [TrivyFailed(f"trivy fails even on its canary alone: {own}") for _ in units]
            return self._split(units, deadline, error)

    def _again(self, units: Sequence[Unit], deadline: float) -> list[Outcome]:
        try:
            return self._once(units)
        except _Astray:
            return [outcome for unit in units for outcome in self._again([unit], deadline)]
        except (TrivyFailed, ToolError) as error:
            return self._split(units, deadline, error)

    def _split(self, units: Sequence[Unit], deadline: float, error: Exception) -> list[Outcome]:
        unit = units[0]
        if len(units) == len(unit.entries) == 1:
            gap = Gap(GapReason.CRASHED, unit.entries[0].path, f"trivy: {type(error).__name__}")
            return [TreeReport(gaps=(gap,))]
        if time.monotonic() > deadline:
            text = f"{error}; there was no time left to find the file that causes it"
            return [TrivyFailed(text) for _ in units]
        if len(units) > 1:
            half = len(units) // 2
            return [*self._again(units[:half], deadline), *self._again(units[half:], deadline)]
        half = len(unit.entries) // 2
        whole = TreeReport()
        for part in (unit.entries[:half], unit.entries[half:]):
            (outcome,) = self._again([replace(unit, entries=part)], deadline)
            if isinstance(outcome, TrivyFailed):
                return [outcome]
            whole = whole.joined(outcome)
        return [whole]

    def _once(self, units: Sequence[Unit]) -> list[Outcome]:
        """One process over the units and a canary.

        Raises:
            TrivyFailed: it failed, or the canary was missed.
            ToolError: it was ended.
        """
        with scratch(self._in_time(units), self._context.workspace) as trivy:
            root = trivy.directory / "root"
            root.mkdir()
            laid_out = [_lay_out(unit, root) for unit in units]
            canary = plant_tree(root)
            families = [kind for kind in self._kinds if kind != "vuln"]
            # The list of packages, which vulnerabilities are matched from, comes with any family;
            # that of licences is read from it, and costs nothing.
            arguments = ["--scanners", ",".join(families or ["license"]), "--include-dev-deps"]
            report, finished = trivy.scan("fs", [*arguments, root])
            tags = [canary, *(unit.tag for unit in units)]
            by_tag = _by_tag(report.get("Results") or [], tags)
            check_tree(by_tag.get(canary, []), self._kinds)
            if astray := by_tag.get("", []):
                if len(units) > 1:
                    raise _Astray("trivy reports a file without saying of which tree it is")
                for unit in units:
                    by_tag.setdefault(unit.tag, []).extend(astray)
            log = finished.stderr.decode(errors="replace")
            outcomes: list[Outcome] = []
            for unit, laid in zip(units, laid_out, strict=True):
                if isinstance(laid, TrivyFailed):
                    outcomes.append(laid)
                    continue
                try:
                    one = self._read(unit, root / unit.tag, by_tag.get(unit.tag, []), laid.blunted)
                except Exception as error:  # odd results of one tree cost the others nothing
                    _logger.exception("trivy's results on one tree cannot be read")
                    problem = f"trivy's report has an unknown shape ({type(error).__name__})"
                    outcomes.append(TrivyFailed(problem))
                    continue
                listed = {package.path for package in one.packages}
                paths = [entry.path for entry in unit.entries]
                silent = silent_locks(root / unit.tag, paths, listed)
                gaps = (*laid.missing, *told(log, unit.tag), *silent)
                outcomes.append(replace(one, gaps=(*one.gaps, *gaps), sandbox=finished.sandbox))
            return outcomes

    def _in_time(self, units: Sequence[Unit]) -> Means:
        """The means, with the time that these units may take."""
        limits = self._means.limits
        size = sum(entry.size for unit in units for entry in unit.entries) >> 20
        seconds = min(limits.tool_seconds, _START_SECONDS + _SECONDS_PER_MB * size)
        return replace(self._means, limits=limits.model_copy(update={"tool_seconds": seconds}))


class _Astray(Exception):
    """A result that belongs to one of several trees, and nobody can tell to which."""


def _by_tag(
    results: Sequence[dict[str, Any]], tags: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Results by the tree that they are of, paths from its root; under "" if that is not said.

    Terraform's modules are named by where they were downloaded from, with the path of the copy
    in the tree behind it; the files inside a stored plan by their own names alone.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        target = str(result.get("Target") or "")
        tag = next((each for each in tags if f"/{each}/" in f"/{target}/"), "")
        path = f"/{target}".partition(f"/{tag}/")[2] if tag and target != tag else ""
        found.setdefault(tag, []).append({**result, "Target": path if tag else target})
    return found


@dataclass(frozen=True)
class _LaidOut:
    """A unit on disk."""

    missing: tuple[Gap, ...]
    blunted: Mapping[str, str]


def _lay_out(unit: Unit, root: Path) -> _LaidOut | TrivyFailed:
    directory = root / unit.tag
    directory.mkdir()
    try:
        missing = unit.snapshot.export(directory, unit.entries)
    except SourceError as error:
        shutil.rmtree(directory)
        return TrivyFailed(str(error))
    return _LaidOut(missing, blunt(directory, [entry.path for entry in unit.entries]))
