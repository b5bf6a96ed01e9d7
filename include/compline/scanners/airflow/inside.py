"""What a task can see of the deployment that runs it: options, packages, files' modes. Reads only.

Airflow's database is never opened, and no file is written to find out whether it could be.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from compline.model import Gap, GapReason
from compline.scanners.airflow.own import OwnAirflow
from compline.scanners.airflow.settings import OPTIONS, authentication

MOST_FILES = 20_000
"""Files of a folder whose modes are looked at, and DAG files that are read."""
_MOST_BYTES = 1 << 20
"""Of one DAG file."""
_LOCAL_BUNDLE = "LocalDagBundle"
_OWN_BUNDLE = "dags-folder"
"""What Airflow calls the bundle of `[core] dags_folder` unless bundles are configured."""


def options_of(own: OwnAirflow) -> dict[tuple[str, str], str]:
    """Every option that is judged, as far as it can be seen here."""
    values = {(section, option): own.setting(section, option) for section, option in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def packages() -> dict[str, str]:
    """Airflow's own packages and providers in this interpreter, name to version."""
    found = (
        (canonicalize_name(one.metadata["Name"] or ""), one.version) for one in distributions()
    )
    return {name: version for name, version in found if name.startswith("apache-airflow")}


def passwords(own: OwnAirflow, options: dict[tuple[str, str], str]) -> dict[str, str] | None:
    """The simple authentication manager's passwords, to be judged and forgotten; None if unseen."""
    if authentication(options)[0] != "simple":
        return None
    try:
        kept = json.loads(password_file(own).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict):
        return None
    return {str(name): str(value) for name, value in kept.items()}


def password_file(own: OwnAirflow) -> Path:
    """Where the simple authentication manager keeps its passwords."""
    named = own.setting("core", "simple_auth_manager_passwords_file")
    return Path(named) if named else _home() / "simple_auth_manager_passwords.json.generated"


def file_rows(own: OwnAirflow, simple: bool) -> tuple[list[dict[str, Any]], list[Gap]]:
    """The frame `files`: folders of code, what in them others may write, and files with secrets.

    Args:
        own: the deployment.
        simple: whether the simple authentication manager keeps passwords in a file.
    """
    rows: list[dict[str, Any]] = []
    bundles, gaps = _bundles(own, "file/")
    folders = [(path, "dags") for path in bundles.values()]
    plugins = own.setting("core", "plugins_folder")
    if plugins:
        folders.append((Path(plugins), "plugins"))
    for folder, kind in folders:
        rows += _folder(folder, kind, gaps)
    secret_files = [
        Path(os.environ.get("AIRFLOW_CONFIG") or _home() / "airflow.cfg"),
        *([password_file(own)] if simple else []),
    ]
    rows += [_row(path, "secrets") for path in secret_files if path.is_file()]
    return rows, gaps


def sources(own: OwnAirflow) -> tuple[dict[str, str], list[Gap]]:
    """The DAG files in the folders of DAGs, path from the folder to text."""
    found: dict[str, str] = {}
    bundles, gaps = _bundles(own, "dag-file/")
    for bundle, folder in bundles.items():
        if not folder.is_dir():
            detail = f"the folder of the bundle {bundle} is not here"
            gaps.append(Gap(GapReason.MISSING_OBJECT, "dag-file/", detail))
            continue
        prefix = "" if bundle == _OWN_BUNDLE else f"{bundle}:"
        _read_into(found, folder, prefix, gaps)
    return found, gaps


def _read_into(found: dict[str, str], folder: Path, prefix: str, gaps: list[Gap]) -> None:
    for path in sorted(_walk(folder, "dag-file/", folder, gaps)):
        name = prefix + path.relative_to(folder).as_posix()
        place = f"dag-file/{name}/"
        if path.suffix == ".zip":
            gaps.append(Gap(GapReason.UNSUPPORTED, place, "packed DAGs are read over REST alone"))
        if path.suffix != ".py":
            continue
        if len(found) >= MOST_FILES:
            gaps.append(Gap(GapReason.TOO_MANY, "dag-file/", f"more than {MOST_FILES} files"))
            return
        try:
            if path.stat().st_size > _MOST_BYTES:
                gaps.append(Gap(GapReason.TOO_LARGE, place, "more than 1 MB"))
            else:
                found[name] = path.read_text(encoding="utf-8")
        except OSError:
            gaps.append(Gap(GapReason.FORBIDDEN, place, "cannot be read"))
        except UnicodeDecodeError:
            gaps.append(Gap(GapReason.UNPARSED, place, "not UTF-8"))


def _bundles(own: OwnAirflow, place: str) -> tuple[dict[str, Path], list[Gap]]:
    """Folders of DAGs by the bundle's name, and gaps at the place for bundles without a folder.

    The format is that of `[dag_processor] dag_bundle_config_list`.
    """
    default = own.setting("core", "dags_folder") or ""
    folders: dict[str, Path] = {}
    gaps: list[Gap] = []
    try:
        listed = json.loads(own.setting("dag_processor", "dag_bundle_config_list") or "null")
        if listed is None:
            listed = [{"name": _OWN_BUNDLE, "classpath": _LOCAL_BUNDLE}]
        for one in listed:
            name, path = str(one["name"]), (one.get("kwargs") or {}).get("path") or default
            if str(one["classpath"]).rpartition(".")[2] == _LOCAL_BUNDLE and path:
                folders[name] = Path(path)
            else:
                detail = f"of the bundle {name} Airflow makes copies of its own: not looked at"
                gaps.append(Gap(GapReason.UNSUPPORTED, place, detail))
    except (ValueError, TypeError, LookupError, AttributeError):
        detail = "[dag_processor] dag_bundle_config_list is not understood"
        gaps.append(Gap(GapReason.UNPARSED, place, detail))
    return folders, gaps


def _folder(folder: Path, kind: str, gaps: list[Gap]) -> Iterator[dict[str, Any]]:
    """A row for the folder, and one for whatever in it more people may write than it itself."""
    if not folder.is_dir():
        if kind == "dags":
            gaps.append(Gap(GapReason.MISSING_OBJECT, f"file/{folder}", "is not there"))
        return
    yield _row(folder, kind)
    for number, path in enumerate(_walk(folder, "file/", Path("/"), gaps)):
        if number >= MOST_FILES:
            gaps.append(Gap(GapReason.TOO_MANY, f"file/{folder}/", f"more than {MOST_FILES} files"))
            return
        with suppress(FileNotFoundError):  # gone since it was listed, or a link to nothing
            # Of what is in a folder that tasks may write, the folder's row has told it.
            ours = os.access(path, os.W_OK) and not os.access(path.parent, os.W_OK)
            if ours or path.stat().st_mode & stat.S_IWOTH:
                yield {**_row(path, kind), "task_writes": ours}


def _walk(folder: Path, place: str, base: Path, gaps: list[Gap]) -> Iterator[Path]:
    """Everything below a folder, through links as Airflow goes; what may not be listed is a gap."""

    def closed(error: OSError) -> None:
        shown = Path(error.filename).relative_to(base).as_posix()
        root = "/" if base == Path("/") else ""
        gaps.append(Gap(GapReason.FORBIDDEN, f"{place}{root}{shown}/", "may not be listed"))

    seen = set()
    for parent, folders, files in os.walk(folder, onerror=closed, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        for name in sorted([*folders, *files]):
            yield Path(parent, name)


def _row(path: Path, kind: str) -> dict[str, Any]:
    mode = path.stat().st_mode
    return {
        "path": str(path),
        "kind": kind,
        "mode": f"{stat.S_IMODE(mode):04o}",
        "everybody_writes": bool(mode & stat.S_IWOTH),
        "everybody_reads": bool(mode & (stat.S_IROTH | stat.S_IRGRP)),
        "task_writes": os.access(path, os.W_OK),
    }


def _home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow")
