"""Turns what was seen of a deployment into the frames that suites speak of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.airflow.accounts import fab_rows, role_rows, simple_rows
from compline.scanners.airflow.asking import Answers
from compline.scanners.airflow.connections import connection_rows, variable_rows
from compline.scanners.airflow.settings import ITEMS, PUBLIC_ROLE, SESSION, is_loopback, states
from compline.scanners.airflow.shell import NotParsed, shell_tasks
from compline.scanners.expectations.inventory import Inventory, frame_of

COLUMNS: Mapping[str, Sequence[str]] = {
    "settings": ("item", "state", "detail"),
    "accounts": ("account", "roles", "admin", "strength", "idle"),
    "roles": (
        "role", "accounts", "rights", "public", "grants_something", "triggers", "edits_dags",
        "sees_data", "sees_connections", "edits_connections", "administers",
    ),
    "connections": (
        "connection", "type", "transport", "verified", "shown", "leaks", "in_extra",
        "keeps_in_extra",
    ),
    "variables": ("variable", "encrypted", "shown", "confidential"),
    "shell_tasks": ("file", "task", "call", "line", "from_parameters"),
    "files": ("path", "kind", "mode", "everybody_writes", "everybody_reads", "task_writes"),
    "advisories": ("package", "version", "advisory", "severity", "known_as"),
}  # fmt: skip
_PLACES = {
    "accounts": ("account/", "password/", "login/"),
    "roles": ("role/",),
    "connections": ("connection/",),
    "variables": ("variable/",),
    "shell_tasks": ("dag-file/",),
    "files": ("file/",),
}
"""Where the findings of a frame are, which is what a gap in it covers."""
_NO_LOGIN = "without a credential only strangers' calls are made: give `url` and `credential`"
_NOT_INSIDE = "only a task of the deployment itself sees this: `here: true`, run by Airflow"


@dataclass
class Inside:
    """What a task saw of the deployment that runs it; recorded ones are the canary's."""

    options: dict[tuple[str, str], str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """Both views of one deployment."""

    answers: Answers
    """Over REST; without parts where it was not asked."""
    inside: Inside | None
    """None where it is not the deployment that runs us."""
    advisories: tuple[list[dict[str, Any]], list[Gap]]
    values: Mapping[str, Any]
    """The suite's parameters as the policy binds them."""
    now: datetime


def installed(answers: Answers, inside: Inside | None) -> dict[str, str]:
    """Airflow's packages, name to version, as far as either view tells."""
    found = dict(inside.packages) if inside else {}
    version = answers.parts.get("version")
    if version:
        found |= {"apache-airflow": version, "apache-airflow-core": version}
    for one in answers.parts.get("providers") or ():
        found[str(one["package_name"])] = str(one["version"])
    return found


def inventory_of(seen: Seen) -> Inventory:
    """The inventory.

    Raises:
        CannotCollect: an answer is shaped otherwise than Airflow's.
    """
    makers = {
        "accounts": _accounts,
        "roles": _roles,
        "connections": _connections,
        "variables": _variables,
        "shell_tasks": _shell_tasks,
        "files": _files,
        "advisories": _advisories,
    }
    frames, refused = {}, {}
    settings, gaps = _settings(seen)
    frames["settings"] = frame_of(COLUMNS["settings"], settings)
    for name, make in makers.items():
        made = make(seen)
        if isinstance(made, str):
            refused[name], *others = (Gap(GapReason.FORBIDDEN, at, made) for at in _PLACES[name])
            gaps += others
            continue
        rows, more = made
        frames[name] = frame_of(COLUMNS[name], rows)
        gaps += more
    return Inventory(frames, refused, tuple(gaps))


_Made = tuple[Iterable[dict[str, Any]], Sequence[Gap]] | str
"""Rows with gaps among them, or why there are none."""


def _settings(seen: Seen) -> tuple[list[dict[str, Any]], list[Gap]]:
    parts, inside = seen.answers.parts, seen.inside
    found = states(_options(seen), float(seen.values.get("session_hours") or 24))
    if parts:
        found |= _over_rest(parts)
    if seen.values.get("remote_logs_encrypted") and found.get("remote_logs", ("",))[0] != "local":
        found["remote_logs"] = ("encrypted", "as the policy attests")
    why = _NOT_INSIDE if inside is None else "not set where our task runs, or not understood"
    return (
        [
            {"item": name, "state": state, "detail": detail}
            for name, (state, detail) in sorted(found.items())
        ],
        [
            Gap(GapReason.FORBIDDEN, f"setting/{name}", why)
            for name in (*(item.name for item in ITEMS), SESSION)
            if name not in found
        ],
    )


def _options(seen: Seen) -> dict[tuple[str, str], str]:
    """The API server's own word counts for more than what one of its workers sees."""
    shown = {
        (section, option): value
        for name, value in (seen.answers.parts.get("options") or {}).items()
        for section, _, option in [name.partition(".")]
    }
    return {**(seen.inside.options if seen.inside else {}), **shown}


def _over_rest(parts: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What the API server shows of itself, whatever its configuration says elsewhere."""
    address = str(parts["address"])
    secure = "tls" if address.startswith("https://") else "plain"
    let_in = "role" if parts.get("manager") == "fab" else "open"
    found = {
        "anonymous": (let_in if parts["anonymous"] == 200 else "refused", "asked as a stranger"),
        "transport": ("loopback" if is_loopback(address) else secure, "our own calls"),
    }
    if parts.get("manager"):
        found["authentication"] = (str(parts["manager"]), "told by its paths")
    if parts.get("config_status") == 200:
        found["expose_config"] = ("shown", "api/v2/config answers")
    elif parts.get("config_closed"):
        found["expose_config"] = ("closed", "api/v2/config says so")
    if "dags" in parts:
        examples = sum(_is_example(dag) for dag in parts["dags"])
        found["examples"] = ("loaded" if examples else "none", f"{examples} DAGs")
    return found


def _is_example(dag: Mapping[str, Any]) -> bool:
    return dag.get("bundle_name") == "example_dags" or "/airflow/example_dags/" in str(
        dag.get("fileloc") or ""
    )


def _unseen(seen: Seen, name: str) -> str:
    return seen.answers.unseen.get(name, _NO_LOGIN)


def _accounts(seen: Seen) -> _Made:
    parts, inside = seen.answers.parts, seen.inside
    if "users" in parts:
        idle = int(seen.values.get("idle_days") or 90)
        rows = list(fab_rows(parts["users"], seen.now, idle))
        return rows, list(_not_told(rows))
    options = {**(inside.options if inside else {})}
    shown = (parts.get("options") or {}).get("core.simple_auth_manager_users")
    users = shown or options.get(("core", "simple_auth_manager_users"))
    manager = parts.get("manager") or _manager_inside(inside)
    if manager != "simple":
        why = seen.answers.unseen.get("users", "")
        return why or "this authentication manager does not list its accounts to us"
    if users is None:
        return _NOT_INSIDE
    rows = simple_rows(str(users), inside.passwords if inside else None)
    return rows, list(_not_told(rows))


def _not_told(rows: Sequence[Mapping[str, Any]]) -> Iterator[Gap]:
    """What nobody says of accounts: they are no better for that."""
    for column, unknown, place, detail in (
        ("strength", "unseen", "password/", "passwords are not shown to us, and none is tried"),
        ("idle", "unknown", "login/", "when accounts were last used is not told"),
    ):
        names = [str(row["account"]) for row in rows if row[column] == unknown]
        if rows and len(names) == len(rows):
            yield Gap(GapReason.FORBIDDEN, place, detail)
        else:
            yield from (Gap(GapReason.FORBIDDEN, f"{place}{name}", detail) for name in names)


def _manager_inside(inside: Inside | None) -> str:
    if inside is None or ("core", "auth_manager") not in inside.options:
        return ""
    return states(inside.options, 24)["authentication"][0]


def _roles(seen: Seen) -> _Made:
    parts = seen.answers.parts
    if "roles" in parts:
        accounts = list(fab_rows(parts.get("users") or (), seen.now, 90))
        return list(role_rows(parts["roles"], accounts, _options(seen).get(PUBLIC_ROLE, ""))), ()
    if (parts.get("manager") or _manager_inside(seen.inside)) == "simple":
        return [], ()  # its four roles are built in, and the same everywhere
    return seen.answers.unseen.get("roles", "this authentication manager does not list its roles")


def _connections(seen: Seen) -> _Made:
    if "connections" not in seen.answers.parts:
        return _unseen(seen, "connections")
    rows = list(connection_rows(seen.answers.parts["connections"]))
    unknown = [
        Gap(
            GapReason.UNSUPPORTED,
            f"connection/{row['connection']}/transport",
            f"how connections of the type {row['type'] or '(none)'} go is not known here",
        )
        for row in rows
        if row["transport"] == "unknown"
    ]
    return rows, unknown


def _variables(seen: Seen) -> _Made:
    if "variables" not in seen.answers.parts:
        return _unseen(seen, "variables")
    return list(variable_rows(seen.answers.parts["variables"])), ()


def _shell_tasks(seen: Seen) -> _Made:
    inside = seen.inside
    if "dags" in seen.answers.parts:
        files: Mapping[str, str | None] = seen.answers.parts["sources"]
        more = seen.answers.unseen.get("sources")
        gaps = [Gap(GapReason.TRUNCATED, "dag-file/", more)] if more else []
    elif inside is not None:
        files = inside.sources
        gaps = [gap for gap in inside.gaps if gap.path.startswith("dag-file/")]
    else:
        return _unseen(seen, "dags")
    rows = []
    for file, text in sorted(files.items()):
        if text is None:
            gaps.append(Gap(GapReason.FORBIDDEN, f"dag-file/{file}/", "its source is not shown"))
            continue
        try:
            found = shell_tasks(text)
        except NotParsed as error:
            gaps.append(Gap(GapReason.UNPARSED, f"dag-file/{file}/", str(error)))
            continue
        rows += [
            {
                "file": file,
                "task": one.task,
                "call": one.call,
                "line": one.line,
                "from_parameters": True,
            }
            for one in found
        ]
    return rows, gaps


def _files(seen: Seen) -> _Made:
    if seen.inside is None:
        return _NOT_INSIDE
    return seen.inside.files, [gap for gap in seen.inside.gaps if gap.path.startswith("file/")]


def _advisories(seen: Seen) -> _Made:
    rows, gaps = seen.advisories
    if seen.inside is None and "providers" not in seen.answers.parts:
        why = _unseen(seen, "providers")
        return rows, [*gaps, Gap(GapReason.FORBIDDEN, "package/", f"its providers: {why}")]
    return rows, gaps
