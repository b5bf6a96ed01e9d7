"""What an Airflow answers over its REST API: only reading calls, besides the one for a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from compline.scanners.airflow.rest import Refused, Rest
from compline.scanners.airflow.settings import OPTIONS
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.http.answers import Answer, NoAnswer

MOST_SOURCES = 1_000
"""DAG files whose source is asked for, each by a call of its own."""
_HIDDEN = "< hidden >"
_JSON = "application/json"
_SOURCES_END = 0.3
"""Share of the time that must be left when the last source is asked for."""


@dataclass
class Answers:
    """Everything that was seen of one deployment; recorded ones are the canary's."""

    parts: dict[str, Any] = field(default_factory=dict)
    """By name; what is not in here could not be seen."""
    unseen: dict[str, str] = field(default_factory=dict)
    """Name to why."""


def ask(rest: Rest, *, logged_in: bool) -> Answers:
    """Asks everything that the account may see.

    Raises:
        CannotCollect: an answer is missing, broken or cut short.
    """
    answers = Answers()
    parts = answers.parts
    seconds = rest.left
    version = rest.get("api/v2/version", anonymous=not logged_in).json()
    if not isinstance(version, dict) or not str(version.get("version", "")).startswith("3."):
        raise CannotCollect("api/v2/version names no Airflow 3: another version, or no Airflow")
    parts["version"] = str(version["version"])
    parts["address"] = rest.address
    parts["anonymous"] = _stranger(rest)
    _manager(rest, parts, logged_in=logged_in)
    if not logged_in:
        return answers
    _config(rest, parts)
    for name, path, order in _LISTS:
        try:
            parts[name] = list(rest.pages(path, name, order))
        except Refused as error:
            answers.unseen[name] = str(error)
    if all(name in answers.unseen for name, _, _ in _LISTS):
        # So 3.3 answers to a token that is none, too.
        raise CannotCollect(
            "every list answers 403: the token is not valid, or the account has no rights at all"
        )
    if parts["manager"] == "fab":
        for name, order in (("roles", "name"), ("users", "id")):
            try:
                parts[name] = list(rest.pages(f"auth/fab/v1/{name}", name, order))
            except Refused as error:
                answers.unseen[name] = str(error)
    for name in _NEVER_EMPTY:
        if parts.get(name) == []:
            # Airflow leaves out what an account may not see, and says nothing of it.
            del parts[name]
            answers.unseen[name] = f"none of its {name} is shown to the account"
    parts["sources"] = {}
    if "dags" in parts:
        parts["sources"] = dict(_sources(rest, parts["dags"], answers, seconds * _SOURCES_END))
    return answers


_LISTS = (
    ("connections", "api/v2/connections", "connection_id"),
    ("variables", "api/v2/variables", "key"),
    ("dags", "api/v2/dags", "dag_id"),
    ("providers", "api/v2/providers", ""),
    ("assets", "api/v2/assets", "name"),
)
_NEVER_EMPTY = ("dags", "providers", "roles", "users")
"""Lists of which every deployment that is in use has an entry."""


def _stranger(rest: Rest) -> int:
    """The status by which a call without a credential is answered, or refused.

    Raises:
        CannotCollect: it is neither.
    """
    answer = _to_a_stranger(rest, "api/v2/dags", {"limit": "1"})
    if answer is None or (answer.status == 200 and answer.kind != _JSON):
        return 401  # a login page of whatever stands before Airflow
    if answer.status not in (200, 401, 403):
        raise CannotCollect(f"api/v2/dags answers {answer.status} to a stranger")
    return answer.status


def _to_a_stranger(rest: Rest, path: str, parameters: dict[str, str]) -> Answer | None:
    """What a call without a credential gets; None where it is led away, as to a login."""
    try:
        return rest.get(path, parameters, anonymous=True)
    except NoAnswer as error:
        if 300 <= error.status < 400:
            return None
        raise


def _manager(rest: Rest, parts: dict[str, Any], *, logged_in: bool) -> None:
    """Which authentication manager answers, told by the paths that only one of them has."""
    path, one = "auth/fab/v1/roles", {"limit": "1"}
    answer = rest.get(path, one) if logged_in else _to_a_stranger(rest, path, one)
    parts["manager"] = "fab"
    if answer is not None and answer.status in (200, 401, 403) and answer.kind == _JSON:
        return
    parts["manager"] = "simple"
    if parts["anonymous"] == 200:
        return  # it alone lets strangers in then, and the next call would give one a token
    answer = _to_a_stranger(rest, "auth/token", {})
    if answer is None or answer.status != 403 or b"simple_auth_manager" not in answer.body:
        parts["manager"] = ""


def _config(rest: Rest, parts: dict[str, Any]) -> None:
    answer: Answer = rest.get("api/v2/config")
    parts["config_status"] = answer.status
    parts["config_closed"] = answer.status == 403 and b"chose not to expose" in answer.body
    parts["options"] = {}
    if answer.status != 200:
        return
    try:
        for section in answer.json()["sections"]:
            for option in section["options"]:
                value = option["value"]
                plain = value[0] if isinstance(value, list) else value
                name = (str(section["name"]), str(option["key"]))
                if name in OPTIONS and plain != _HIDDEN:
                    parts["options"][".".join(name)] = str(plain)
    except (KeyError, TypeError):
        raise CannotCollect("api/v2/config is not shaped as Airflow's configuration") from None


def _sources(
    rest: Rest, dags: list[dict[str, Any]], answers: Answers, reserve: float
) -> Iterator[tuple[str, str | None]]:
    """DAG files with their text; None where it is not shown."""
    by_file = {_file_of(dag): str(dag.get("dag_id")) for dag in dags}
    for number, (file, dag) in enumerate(sorted(by_file.items())):
        if number >= MOST_SOURCES or rest.left < reserve:
            answers.unseen["sources"] = f"{number} of {len(by_file)} DAG files were read"
            return
        try:
            content = rest.read(f"api/v2/dagSources/{quote(dag, safe='')}").get("content")
        except Refused:
            yield file, None
            continue
        except NoAnswer as error:
            if error.status != 404:  # deleted, or parsed anew, since it was listed
                raise
            yield file, None
            continue
        text = str(content or "")
        yield file, None if text.startswith("REDACTED") or not text else text


def _file_of(dag: dict[str, Any]) -> str:
    place = dag.get("relative_fileloc") or dag.get("fileloc") or dag.get("dag_id")
    return f"{dag.get('bundle_name') or 'dags-folder'}:{place}"
