"""Each requirement of the gate, from what is known of one model version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from compline.config.gate import Gate
from compline.findings import gate
from compline.findings.gate import Defect, GateVerdict, Opened, Requirement
from compline.findings.graph import Graph
from compline.model import Target, TargetKind
from compline.pipeline.gate_sights import Sight, Sights
from compline.pipeline.session import Session
from compline.scanners import registry
from compline.store.links import list_links
from compline.store.targets import list_targets

_GUARD = "model-guard"
_OPENERS = ("modelaudit", "picklescan")
_PERMISSIONS = "registry-permissions"
_UNDECLARED = "access-policy-undeclared"
_SHA256 = "sha256:"


class Judgement:
    """One model version, with everything that is known of it."""

    def __init__(
        self,
        session: Session,
        sights: Sights,
        place: Target,
        rules: Gate,
        model: str,
        version: str,
        oldest: datetime,
        since: datetime,
    ) -> None:
        """Gathers.

        Args:
            session: where.
            sights: what was seen.
            place: the target that holds the model.
            rules: what is required.
            model: its name.
            version: its version.
            oldest: an older look at anything else says nothing.
            since: an older look at the place itself says nothing.
        """
        from compline.scanners.models.sources import rules_of  # loads the storages' libraries

        self._session, self._sights = session, sights
        self._place, self._rules, self._asked = place, rules, rules_of(place)
        self._model, self._version = model, version
        self._prefix = "/".join(filter(None, (model, version)))
        self._oldest, self._since = oldest, since
        self._guard = sights.of(place.name, _GUARD, since)
        self.files = self._files(self._guard)

    @property
    def digest(self) -> str:
        """The model's digest; empty where not every file is known."""
        return "" if self._unread() else gate.model_digest(self.files)

    def of(self, required: Sequence[str]) -> list[Requirement]:
        """The requirements, judged; that every file could be read is always one."""
        judges: Mapping[str, Callable[[], Requirement]] = {
            "scan": self._scan,
            "signature": self._signature,
            "provenance": self._provenance,
            "licence": self._licence,
            "formats": self._formats,
            "permissions": self._permissions,
            "data": self._data,
            "source": self._source,
        }
        problems = self._unread()
        read = f"{len(self.files)} files, {self.digest}"
        content = gate.judge("content", problems, (), self._rules.fail_at, read)
        return [content, *(judges[name]() for name in required)]

    def _files(self, sight: Sight) -> dict[str, str]:
        """Path within the version to SHA-256; empty where the content is not known."""
        start = f"{self._prefix}/"
        return {
            place.removeprefix(start): content.removeprefix(_SHA256)
            for place, content, *_ in sight.report.get("files", ())
            if place.startswith(start)
        }

    def _unread(self) -> list[str]:
        """Why the version's files are not all known."""
        if self._guard.problem:
            return [f"{_GUARD}: {self._guard.problem}"]
        found = [
            f"{gap.path or 'the whole place'}: {gap.reason} {gap.detail}".rstrip()
            for gap in self._guard.gaps
            if gap.covers(self._prefix) or f"{gap.path}/".startswith(f"{self._prefix}/")
        ]
        found += [f"{path} was not read" for path, content in self.files.items() if not content]
        return found or ([] if self.files else ["it holds no file that could be read"])

    def _scan(self) -> Requirement:
        enabled = [n for n in _OPENERS if self._session.config.scanners.of(n).enabled]
        opened = []
        for name in enabled:
            sight = self._sights.of(self._place.name, name, self._since)
            gaps = sight.gaps
            whole = {
                path: content
                for path, content in self._files(sight).items()
                if content and not any(gap.covers(f"{self._prefix}/{path}") for gap in gaps)
            }
            opened.append(Opened(name, sight.problem, whole))
        problems = self._unread() or gate.unscanned(self.files, opened, self._asked["signature"])
        defects = [
            each
            for each in self._sights.defects(self._place.name, _OPENERS)
            if f"{each.path}/".startswith(f"{self._prefix}/")
        ]
        met = f"nothing at or above {self._rules.fail_at} by {' and '.join(enabled)}"
        return gate.judge("scan", problems, defects, self._rules.fail_at, met)

    def _signature(self) -> Requirement:
        waived = self._waived("signature-refused", self._prefix)
        return self._known("signature", lambda one: gate.signature(one["signature"], waived))

    def _licence(self) -> Requirement:
        def judge(one: Mapping[str, Any]) -> Requirement:
            stated = str(one["origin"].get("licence", ""))
            rule = "licence-refused" if stated else "licence-missing"
            waived = self._waived(rule, self._model)
            return gate.licence(stated, self._asked["licences"], self._unasked(one), waived)

        return self._known("licence", judge)

    def _provenance(self) -> Requirement:
        def judge(one: Mapping[str, Any]) -> Requirement:
            waived = self._waived("provenance-missing", self._model)
            wanted = self._asked["provenance"]
            return gate.provenance(one["origin"], wanted, self._unasked(one), waived)

        return self._known("provenance", judge)

    def _formats(self) -> Requirement:
        waived = self._waived("unsafe-format", self._model)
        allowed = self._asked["formats"]
        return self._known("formats", lambda one: gate.formats(one["formats"], allowed, waived))

    def _known(self, name: str, judge: Callable[[Mapping[str, Any]], Requirement]) -> Requirement:
        """By what model-guard found out of the version."""
        problems = self._unread()
        for model, version, one in self._guard.report.get("versions", ()):
            if (model, version) == (self._model, self._version):
                judged = judge(one)
                # Of half a version nobody can say that all is well.
                if judged.verdict is GateVerdict.BREACHED or not problems:
                    return judged
        problems = problems or [f"{_GUARD} says nothing of this version"]
        return Requirement(name, GateVerdict.UNKNOWN, "; ".join(problems[:5]))

    def _unasked(self, one: Mapping[str, Any]) -> str:
        """Why what model-guard did not find may be there all the same."""
        if not one["judged_by_card"]:
            return "its card could not be read"
        if not one.get("asked"):
            return (
                "the last look asked only the newest version and the one in production: "
                "have the gate look itself, without --last"
            )
        return ""

    def _waived(self, rule: str, subject: str) -> tuple[str, ...]:
        return tuple(
            each.id
            for each in self._guard_defects
            if each.waived and (each.rule, each.path) == (rule, subject)
        )

    @cached_property
    def _guard_defects(self) -> tuple[Defect, ...]:
        return tuple(self._sights.defects(self._place.name, (_GUARD,)))

    def _permissions(self) -> Requirement:
        name = "permissions"
        if self._place.kind is not TargetKind.MODEL_REGISTRY:
            text = f"{self._place.name} is no registry: nobody looks at who may write there"
            return Requirement(name, GateVerdict.UNKNOWN, text)
        if not self._session.config.scanners.of(_PERMISSIONS).enabled:
            return Requirement(name, GateVerdict.UNKNOWN, f"{_PERMISSIONS} is not enabled")
        sight = self._sights.of(self._place.name, _PERMISSIONS, self._since)
        defects = [
            each
            for each in self._sights.defects(self._place.name, (_PERMISSIONS,))
            if not self._of_another_model(each.path)
        ]
        problems = [
            *_problems(sight, gaps=True),
            *(f"{d.title} ({d.id})" for d in defects if d.rule == _UNDECLARED and not d.waived),
        ]
        met = f"nobody may do more than the policy says, as of {sight.looked_at}"
        return gate.judge(name, problems, defects, self._rules.fail_at, met)

    def _of_another_model(self, path: str) -> bool:
        """Grants stand as `grant/USER/registered_model/NAME`; NAME is `*` for all."""
        before, kind, name = path.rpartition("registered_model/")
        return bool(before and kind) and name not in (self._model, "*")

    def _data(self) -> Requirement:
        origins = self._origins
        stores = {each for each in origins if each.startswith("data_store/")}
        problems = []
        for dataset in sorted(each for each in origins if each.startswith("dataset/")):
            behind = {one.asset for one in self._graph.origin(dataset)}
            if not any(each.startswith("data_store/") for each in behind):
                problems.append(f"nothing says in which data store {dataset} lies")
        if not stores and not problems:
            problems = ["nothing says what data it was trained with: see `compline graph`"]
        flows = {each for each in origins if each.startswith("pipeline/")}
        return self._of_targets("data", stores | flows, problems, gaps=True)

    def _source(self) -> Requirement:
        repositories = {each for each in self._origins if each.startswith("repository/")}
        problems = []
        if not repositories:
            problems = ["nothing says which repository it comes from: see `compline graph`"]
        return self._of_targets("source", repositories, problems, gaps=False)

    def _of_targets(
        self, name: str, assets: Iterable[str], problems: list[str], *, gaps: bool
    ) -> Requirement:
        """By the last looks at other targets: nothing grave open, and all of it looked at."""
        listed = {f"{row.kind.value}/{row.name}": row for row in list_targets(self._session.store)}
        defects: list[Defect] = []
        told = []
        for asset in sorted(assets):
            row = listed.get(asset)
            if row is None:
                problems.append(f"{asset} is not listed any more")
                continue
            scanners = [
                each
                for each in registry.names()
                if row.kind in registry.kinds(each)
                and self._session.config.scanners.of(each).enabled
            ]
            if not scanners:
                problems.append(f"no enabled scanner looks at {asset}")
            for scanner in scanners:
                sight = self._sights.of(row.name, scanner, self._oldest, may_skip=not gaps)
                problems += _problems(sight, gaps=gaps)
            # Whoever saw it, an imported report among them.
            defects += self._sights.defects(row.name, ())
            told.append(asset)
        met = f"nothing at or above {self._rules.fail_at} in {', '.join(told)}"
        return gate.judge(name, problems, defects, self._rules.fail_at, met)

    @cached_property
    def _graph(self) -> Graph:
        return Graph(row.link for row in list_links(self._session.store))

    @cached_property
    def _origins(self) -> frozenset[str]:
        starts = {f"model/{self._model}", f"model/{self._prefix}", self._place.asset}
        if self._place.kind is TargetKind.MODEL_REGISTRY:
            starts.remove(self._place.asset)  # what it stands on trained other models
        return frozenset(
            one.asset
            for start in starts
            for one in self._graph.origin(start)
            if not any(self._is_another_version(link.source) for link in one.path)
        )

    def _is_another_version(self, asset: str) -> bool:
        """What another version stands on says nothing of this one."""
        this = f"model/{self._prefix}"
        return asset.startswith(f"model/{self._model}/") and asset != this


def _problems(sight: Sight, *, gaps: bool) -> list[str]:
    if sight.problem:
        return [f"{sight.scanner}: {sight.problem}"]
    if not gaps:
        return []
    return [
        f"{sight.scanner} could not see {gap.path or f'all of {sight.target}'}: {gap.reason}"
        for gap in sight.gaps
    ]
