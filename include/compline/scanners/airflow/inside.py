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
_FOLDERS = (("core", "dags_folder", "dags"), ("core", "plugins_folder", "plugins"))


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
    """The frame `files`: one row per folder, and one for each file in it that anybody may write.

    Args:
        own: the deployment.
        simple: whether the simple authentication manager keeps passwords in a file.
    """
    rows: list[dict[str, Any]] = []
    gaps: list[Gap] = []
    for section, option, kind in _FOLDERS:
        folder = own.setting(section, option)
        if folder:
            for row in _folder(Path(folder), kind, gaps):
                rows.append(row)
    secret_files = [_home() / "airflow.cfg", *([password_file(own)] if simple else [])]
    rows += [_row(path, "secrets") for path in secret_files if path.is_file()]
    return rows, gaps


def sources(own: OwnAirflow) -> tuple[dict[str, str], list[Gap]]:
    """The DAG files in the DAGs folder, path from it to text."""
    named = own.setting("core", "dags_folder") or ""
    folder = Path(named)
    if not named or not folder.is_dir():
        return {}, [Gap(GapReason.MISSING_OBJECT, "dag-file/", "the DAGs folder is not here")]
    found: dict[str, str] = {}
    gaps: list[Gap] = []
    files = sorted(
        path for path in _walk(folder, "dag-file/", folder, gaps) if path.suffix == ".py"
    )
    for number, path in enumerate(files):
        name = path.relative_to(folder).as_posix()
        place = f"dag-file/{name}/"
        if number >= MOST_FILES:
            gaps.append(Gap(GapReason.TOO_MANY, "dag-file/", f"more than {MOST_FILES} files"))
            break
        try:
            if path.stat().st_size > _MOST_BYTES:
                gaps.append(Gap(GapReason.TOO_LARGE, place, "more than 1 MB"))
            else:
                found[name] = path.read_text(encoding="utf-8")
        except OSError:
            gaps.append(Gap(GapReason.FORBIDDEN, place, "cannot be read"))
        except UnicodeDecodeError:
            gaps.append(Gap(GapReason.UNPARSED, place, "not UTF-8"))
    return found, gaps


def _folder(folder: Path, kind: str, gaps: list[Gap]) -> Iterator[dict[str, Any]]:
    if not folder.is_dir():
        if kind == "dags":
            gaps.append(Gap(GapReason.MISSING_OBJECT, f"file/{folder}", "is not there"))
        return
    yield _row(folder, kind)
    for number, path in enumerate(_walk(folder, "file/", Path("/"), gaps)):
        if number >= MOST_FILES:
            gaps.append(Gap(GapReason.TOO_MANY, f"file/{folder}/", f"more than {MOST_FILES} files"))
            return
        with suppress(FileNotFoundError):  # gone since it was listed
            if not path.is_symlink() and path.lstat().st_mode & stat.S_IWOTH:
                yield _row(path, kind)


def _walk(folder: Path, place: str, base: Path, gaps: list[Gap]) -> Iterator[Path]:
    """Everything below a folder; a folder that may not be listed is a gap."""

    def closed(error: OSError) -> None:
        shown = Path(error.filename).relative_to(base).as_posix()
        root = "/" if base == Path("/") else ""
        gaps.append(Gap(GapReason.FORBIDDEN, f"{place}{root}{shown}/", "may not be listed"))

    for parent, folders, files in os.walk(folder, onerror=closed):
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
        # Of a file in a folder that tasks may write, the folder's row has told it.
        "task_writes": path.is_dir() and os.access(path, os.W_OK),
    }


def _home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow")
