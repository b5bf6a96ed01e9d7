"""What every reader of foreign reports shares: the file as a document, and what comes of it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from compline.model import Gap, Observation
from compline.scanners.secret_identity import SecretKey
from compline.scanners.trivy.licences import LicencePolicy

Json = Mapping[str, Any]

FORMATS = {
    "bandit": "bandit's JSON",
    "semgrep": "Semgrep's JSON",
    "pip-audit": "pip-audit's JSON",
    "trivy": "Trivy's JSON",
    "sarif": "SARIF 2.1.0",
    "cyclonedx": "a CycloneDX document in JSON",
    "garak": "garak's report.jsonl",
}
"""What can be imported, under the names of the command line."""

_DIGEST = re.compile(r"[0-9a-fA-F]{16,}(?::\d+|_\d+)?|[A-Za-z0-9+/_-]{20,}={0,2}")
"""What a fingerprint looks like; `requires login` does not."""


class WrongFile(Exception):
    """It is not the kind of file that it was said to be; the message says what it is."""


class Broken(Exception):
    """It is of the right kind, and is not whole or says itself that it is not: Failed."""


@dataclass(frozen=True)
class Settings:
    """What reading depends on besides the report."""

    key: SecretKey | None
    """Hashes secrets; None where there are none to be read."""
    policy: LicencePolicy


@dataclass(frozen=True)
class Reading:
    """What one tool says in a report."""

    tool: str
    """Its name in small letters, behind the format where that is not its own: `bandit`,
    `sarif:codeql`."""
    version: str
    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...] = ()
    """What the report itself says was not, or not wholly, looked at."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that ran, where the report lists them."""

    @property
    def scanner(self) -> str:
        """The name in ledger and witnesses: never that of one of our own scans, whose findings a
        foreign report must neither close nor answer for."""
        return f"import:{self.tool}"


def parse(data: bytes) -> Any:
    """The JSON in a file, in UTF-8 or UTF-16 with a mark, as tools on Windows write it.

    JSON lines that say their `entry_type`, as garak's do, become an object with its `entries`.

    Raises:
        WrongFile: it is no JSON.
        Broken: it begins as JSON does and is not whole.
    """
    found = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    data, encoding = data[len(found[0]) :], found[1]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if data.lstrip()[:1] in (b"{", b"["):
            raise Broken(f"the report is no {encoding.upper()} at byte {error.start}") from None
        raise WrongFile("the file is no text: a JSON report is expected") from None
    if text.lstrip()[:1] not in ("{", "["):
        what = "XML" if text.lstrip().startswith("<") else "no JSON"
        empty = "empty" if not text.strip() else what
        raise WrongFile(f"the file is {empty}: a JSON report is expected")
    try:
        return {"entries": _entries(text)} if _has_entries(text) else json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Broken(f"the report is not whole: its JSON breaks off or is damaged{where}") from None


def _has_entries(text: str) -> bool:
    try:
        first = json.loads(text.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "entry_type" in first


def _entries(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def check_format(asked: str, document: Any) -> None:
    """Whether the document is of the kind that was asked for.

    Raises:
        WrongFile: it is another, which the message names.
    """
    found = format_of(document)
    if found == asked:
        return
    if found:
        raise WrongFile(f"the file is {FORMATS[found]}: use `compline import {found}`")
    raise WrongFile(f"the file is not {FORMATS[asked]}, nor any other report that is known here")


def format_of(document: Any) -> str:
    """The kind of report, by its marks; empty for none that is known."""
    if not isinstance(document, dict):
        return ""
    names = set(document)
    if document.get("bomFormat") == "CycloneDX":
        return "cyclonedx"
    if "runs" in names and ("version" in names or "sarif" in str(document.get("$schema"))):
        return "sarif"
    if "SchemaVersion" in names:
        return "trivy"
    if names == {"entries"}:
        return "garak"
    if "generated_at" in names and names & {"results", "metrics", "errors"}:
        return "bandit"
    if names & {"paths", "engine_requested"} and names & {"results", "errors"}:
        return "semgrep"
    if "dependencies" in names and isinstance(document["dependencies"], list):
        return "pip-audit"
    return ""


def only(value: Any, shape: Any) -> Any:
    """The part of a document that the shape names: what may be kept of it.

    Args:
        value: plain JSON.
        shape: an object's fields by name (`*`: of any name), a list of one shape for every
            element, or True for a number or a short word.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return None
        rest = shape.get("*")
        return {
            name: only(item, shape.get(name, rest))
            for name, item in value.items()
            if name in shape or rest is not None
        }
    if isinstance(shape, list):
        # Some tools write a list of one as that one.
        return (
            [only(item, shape[0]) for item in value] if isinstance(value, list) else value_of(value)
        )
    return value_of(value)


def value_of(value: Any) -> Any:
    """A plain value; nothing for what is made of others."""
    return value if isinstance(value, (str, int, float)) else None


def telling(values: Iterable[tuple[Hashable, str]]) -> bool:
    """Whether fingerprints in a report tell its findings apart.

    Args:
        values: for each finding what it is (rule and place), and the fingerprint it was given.

    Semgrep writes the words `requires login` for whoever is not logged in: taken for an identity
    they make all findings one. So each must look like a digest and stand for one finding.
    """
    owners: dict[str, Hashable] = {}
    for owner, value in values:
        if not _DIGEST.fullmatch(value) or owners.setdefault(value, owner) != owner:
            return False
    return bool(owners)


def words(*values: object) -> str:
    """The first that is a text with something in it; else empty."""
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def tool_name(text: str) -> str:
    """A tool's name as one small word."""
    return re.sub(r"[^a-z0-9.+]+", "-", text.lower()).strip("-")[:40] or "unknown"


@lru_cache(maxsize=1000)
def readable(rule: str) -> str:
    """A rule's id as words, where the report has no title for it."""
    return " ".join(re.split(r"[-_.\s]+", rule)).strip()[:200] or rule


def spans(items: Sequence[Json]) -> Sequence[Json]:
    """Only the objects of a list."""
    return [item for item in items if isinstance(item, dict)]


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
