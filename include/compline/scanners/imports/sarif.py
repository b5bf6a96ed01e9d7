"""SARIF 2.1.0 of any tool (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compline.model import Gap, GapReason, Observation
from compline.scanners.imports.report import (
    Broken,
    Json,
    Reading,
    Settings,
    WrongFile,
    telling,
    tool_name,
    words,
)
from compline.scanners.imports.sarif_results import Located, observation, region_of
from compline.scanners.imports.sarif_rules import Rules, said_in
from compline.scanners.imports.sources import Sources

_TEXT = {"text": True}
_LOCATION = {
    "physicalLocation": {
        "artifactLocation": {"uri": True, "uriBaseId": True, "index": True},
        "region": {
            "startLine": True,
            "endLine": True,
            "startColumn": True,
            "endColumn": True,
        },
    }
}
_COMPONENT = {
    "name": True,
    "version": True,
    "semanticVersion": True,
    "rules": [
        {
            "id": True,
            "name": True,
            "shortDescription": _TEXT,
            "fullDescription": _TEXT,
            "helpUri": True,
            "defaultConfiguration": {"level": True},
            "properties": {
                "tags": [True],
                "cwe": [True],
                "precision": True,
                "security-severity": True,
            },
            "relationships": [{"target": {"id": True, "toolComponent": {"name": True}}}],
        }
    ],
}
SHAPE = {
    "version": True,
    "runs": [
        {
            "tool": {"driver": _COMPONENT, "extensions": [_COMPONENT]},
            "invocations": [{"executionSuccessful": True}],
            "versionControlProvenance": [{"revisionId": True, "branch": True}],
            "originalUriBaseIds": {"*": {"uri": True, "uriBaseId": True}},
            "artifacts": [{"location": {"uri": True, "uriBaseId": True}, "roles": [True]}],
            "results": [
                {
                    "ruleId": True,
                    "ruleIndex": True,
                    "rule": {"id": True, "index": True, "toolComponent": {"index": True}},
                    "level": True,
                    "kind": True,
                    "baselineState": True,
                    "suppressions": [{"kind": True, "status": True}],
                    "locations": [_LOCATION],
                    "fingerprints": {"*": True},
                    "partialFingerprints": {"*": True},
                    "properties": {"security-severity": True, "cwe": [True]},
                    "taxa": [{"id": True, "toolComponent": {"name": True}}],
                    "compline:package": {"package": True, "version": True, "fixed": True},
                }
            ],
        }
    ],
}
_A_DEFECT = frozenset({"", "fail", "open", "review"})
"""Kinds of results; the others say that nothing is wrong."""


@dataclass(frozen=True)
class _Run:
    """One run, with what its results are read with."""

    run: Json
    rules: Rules
    names: tuple[str, ...]
    """Of the results' files, in their order; empty for a result without a file."""

    @property
    def tool(self) -> str:
        return tool_name(self.rules.name)

    @property
    def results(self) -> list[Json]:
        return list(self.run["results"])


def prepared(document: Json) -> Json:
    """The document with what its messages say of packages as fields: messages are not kept."""
    runs = []
    for run in document.get("runs") or ():
        results = run.get("results")
        if isinstance(results, list):
            results = [_with_package(each) for each in results]
        runs.append({**run, "results": results} if "results" in run else run)
    return {**document, "runs": runs}


def revision(document: Json) -> str:
    """The commit that the file says it is about; empty if it does not say one for all its runs."""
    told = {
        words(each.get("revisionId"))
        for run in document.get("runs") or ()
        for each in run.get("versionControlProvenance") or [{}]
    }
    return told.pop() if len(told) == 1 else ""


def read(document: Json, sources: Sources, settings: Settings) -> list[Reading]:
    """What each tool in the file says; several runs of one tool are one look.

    Raises:
        WrongFile: another version of SARIF.
        Broken: parts of it are missing or lie elsewhere, it says that a run failed, or it speaks
            of another tree.
    """
    if document.get("version") != "2.1.0":
        raise WrongFile(f"the file is SARIF {document.get('version')}: only 2.1.0 is read")
    try:
        if not document["runs"]:
            raise Broken("the SARIF file holds no run: no tool has looked")
        runs = [_open(run) for run in document["runs"]]
        sources.settle(name for run in runs for name in run.names)
        by_tool: defaultdict[str, list[_Run]] = defaultdict(list)
        for run in runs:
            by_tool[run.tool].append(run)
        return [_reading(tool, same, sources, settings) for tool, same in by_tool.items()]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}"[:80]
        raise Broken(f"the SARIF file is not whole ({what})") from None


def _open(run: Json) -> _Run:
    rules = Rules(run)
    for each in run.get("invocations") or ():
        if not each["executionSuccessful"]:
            raise Broken(f"{rules.name} says that its run did not succeed")
    if (run.get("externalPropertyFileReferences") or {}).get("results"):
        raise Broken("its results lie in another file: merge them with `sarif merge` or the like")
    # The format tells the two apart: an empty list is a look, none at all is no look.
    if not isinstance(run.get("results"), list):
        raise Broken(f"{rules.name} gives no results, not even none: its run did not happen")
    return _Run(run, rules, tuple(_name(run, each) for each in run["results"]))


def _reading(tool: str, runs: list[_Run], sources: Sources, settings: Settings) -> Reading:
    found: list[Observation] = []
    gaps: list[Gap] = []
    for run in runs:
        telling_ones = _telling(run)
        for name, result in zip(run.names, run.results, strict=True):
            if not _is_defect(result):
                continue
            path = sources.path(name) if name else ""
            located = Located(path, region_of(result), telling_ones, run.rules.of(result))
            found.append(observation(tool, result, located, sources, settings))
        gaps += _gaps(run.run, sources)
    ids = {name for run in runs for name in run.rules.ids}
    first = runs[0]
    return Reading(
        f"sarif:{tool}",
        first.rules.version,
        tuple(dict.fromkeys(found)),
        tuple(dict.fromkeys(gaps)),
        tuple(sorted(ids)),
    )


def _is_defect(result: Json) -> bool:
    return str(result.get("kind") or "") in _A_DEFECT and result.get("baselineState") != "absent"


def _telling(run: _Run) -> frozenset[tuple[str, str]]:
    """Fields of fingerprints, by where they stand and name, that tell the run's results apart."""
    values: defaultdict[tuple[str, str], list[tuple[Any, str]]] = defaultdict(list)
    for name, result in zip(run.names, run.results, strict=True):
        owner = (words(result.get("ruleId")), name, tuple(sorted(region_of(result).items())))
        for part in ("fingerprints", "partialFingerprints"):
            for field, value in (result.get(part) or {}).items():
                values[part, field].append((owner, str(value)))
    return frozenset(key for key, found in values.items() if telling(found))


def _gaps(run: Json, sources: Sources) -> Iterator[Gap]:
    """What the tool says that it could not do."""
    for invocation in run.get("invocations") or ():
        for part in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            for each in invocation.get(part) or ():
                if each.get("level") != "error":
                    continue
                names = [
                    _name(run, {"locations": [place]}) for place in each.get("locations") or ()
                ]
                for name in names or [""]:
                    path = sources.path(name) if name else ""
                    yield Gap(GapReason.CRASHED, path, "the tool reports an error")


def _name(run: Json, result: Json) -> str:
    """The file of a result, relative if it is given so; empty without one."""
    for location in result.get("locations") or ():
        place = (location.get("physicalLocation") or {}).get("artifactLocation") or {}
        if "uri" not in place and isinstance(place.get("index"), int) and place["index"] >= 0:
            place = run["artifacts"][place["index"]]["location"]
        uri = words(place.get("uri"))
        if uri:
            return _base(run, words(place.get("uriBaseId"))) + uri
        return ""
    return ""


def _base(run: Json, name: str) -> str:
    """What stands before a relative URI, as far as that is relative to the sources itself."""
    bases = run.get("originalUriBaseIds") or {}
    path = ""
    for _ in range(8):  # they may refer to each other in a circle
        base = bases.get(name) or {}
        uri = words(base.get("uri"))
        if not name or "://" in uri or uri.startswith(("/", "file:")):
            break
        path = uri + path
        name = words(base.get("uriBaseId"))
    return path


def _with_package(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    message = result.get("message")
    said = said_in(str(message.get("text") or "")) if isinstance(message, dict) else None
    if said is None:
        return result
    package = {"package": said.package, "version": said.version, "fixed": said.fixed}
    return {**result, "compline:package": package}
