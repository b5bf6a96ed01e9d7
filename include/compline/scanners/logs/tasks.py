"""Airflow's task logs: over its REST API, or in the folder of the deployment that runs us."""

from __future__ import annotations

import glob
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from compline.model import Gap, GapReason
from compline.scanners.airflow.own import OwnAirflow
from compline.scanners.airflow.rest import Refused, Rest
from compline.scanners.airflow.settings import truth
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.http.answers import NoAnswer, TooLarge
from compline.scanners.logs.files import files_of
from compline.scanners.logs.log import Log, Unreadable
from compline.scanners.services import escaped, one_line

_FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_HEADER_END = "::endgroup::"
_MOST_PAGES = 200
"""Answers that one log is put together from."""
_DULL = frozenset({"timestamp", "level", "logger", "filename", "lineno", "event"})


def remote_logs(rest: Rest, newest: int) -> tuple[list[Log], list[Gap]]:
    """The logs of the last task instances, each of its tries.

    Args:
        rest: logged in.
        newest: task instances at most.

    Raises:
        CannotCollect: the list is broken or cut short.
    """
    path = "api/v2/dags/~/dagRuns/~/taskInstances"
    logs: list[Log] = []
    gaps: list[Gap] = []
    try:
        instances = list(islice(rest.pages(path, "task_instances", "-start_date"), newest + 1))
    except Refused as error:
        raise CannotCollect(f"{error}: grant it to read task instances and task logs") from None
    for one in instances[:newest]:
        try:
            logs += _logs_of(rest, one)
        except (KeyError, TypeError, ValueError):
            raise CannotCollect("a task instance is not shaped as Airflow's are") from None
    if len(instances) > newest:
        gaps.append(Gap(GapReason.TOO_MANY, "", f"more than {newest} task instances"))
    return logs, gaps


def local_logs(own: OwnAirflow, newest: int) -> tuple[list[Log], list[Gap]]:
    """The logs in the folder of the deployment that runs us, those of its services among them.

    Raises:
        CannotCollect: there is no such folder.
    """
    folder = own.setting("logging", "base_log_folder") or ""
    if not Path(folder).is_dir():
        raise CannotCollect("[logging] base_log_folder is not here: give `url` and `credential`")
    logs, gaps = files_of([f"{glob.escape(folder)}/**/*.log*"], newest, Path(folder))
    executor = (own.setting("core", "executor") or "").rpartition(".")[2]
    if executor != "LocalExecutor":
        detail = f"with {executor or 'this executor'} other workers' logs are elsewhere"
        gaps.append(Gap(GapReason.TRUNCATED, "", f"{detail}: give `url` and `credential`"))
    elif truth(own.setting("logging", "remote_logging") or ""):
        detail = "remote logging is on, and logs may be gone from here: give `url` and `credential`"
        gaps.append(Gap(GapReason.TRUNCATED, "", detail))
    return logs, gaps


def _logs_of(rest: Rest, one: Mapping[str, Any]) -> Iterator[Log]:
    dag, run, task = str(one["dag_id"]), str(one["dag_run_id"]), str(one["task_id"])
    number, latest = int(one["map_index"]), int(one["try_number"])
    mapped = f"map_index={number}/" if number >= 0 else ""
    folder = escaped(f"dag_id={dag}/run_id={run}/task_id={task}/{mapped}")
    path = "/".join(
        ["api/v2/dags", quote(dag, safe=""), "dagRuns", quote(run, safe=""), "taskInstances",
         quote(task, safe=""), "logs"]
    )  # fmt: skip
    for attempt in range(1, latest + 1):
        over = attempt < latest or one["state"] in _FINISHED
        shown = f"{folder}attempt={attempt}.log"
        yield Log(
            shown,
            f"task:{dag}\0{run}\0{task}\0{number}\0{attempt}",
            f"over:{one['end_date']}" if over else "",
            partial(_opened, rest, f"{path}/{attempt}", number, shown, over=over),
        )


@contextmanager
def _opened(rest: Rest, path: str, number: int, shown: str, *, over: bool) -> Iterator[BinaryIO]:
    entries = _entries(rest, path, number, shown, over=over)
    yield io.BytesIO("".join(f"{line}\n" for line in _lines(entries, shown)).encode())


def _entries(rest: Rest, path: str, number: int, shown: str, *, over: bool) -> list[Any]:
    """Every entry of a log: logs in files come whole, those in a search engine by pages.

    A try that is not over always has a next page, with what was written meanwhile: of such a one
    a page of less than half of the first is the last.

    Raises:
        Unreadable: this one log is not to be had.
        CannotCollect: Airflow does not answer, or what it answers is no log.
    """
    asked = {"full_content": "true", "map_index": str(number)}
    entries: list[Any] = []
    first = 0
    for page in range(_MOST_PAGES):
        try:
            answer = rest.read(path, asked)
            more, token = answer["content"], answer.get("continuation_token")
        except Refused:
            gap = Gap(GapReason.FORBIDDEN, shown, "the account may not read it")
            raise Unreadable(gap) from None
        except TooLarge:
            gap = Gap(GapReason.TOO_LARGE, shown, "a larger answer than is taken")
            raise Unreadable(gap) from None
        except NoAnswer as error:
            if error.status not in (404, 500):
                raise
            gap = Gap(GapReason.MISSING_OBJECT, shown, f"Airflow answers {error.status} for it")
            raise Unreadable(gap) from None
        except (KeyError, TypeError, AttributeError):
            raise CannotCollect(f"{shown}: the answer is no log") from None
        if not isinstance(more, list):
            raise CannotCollect(f"{shown}: the answer is no log")
        entries += more
        first = len(more) if page == 0 else first
        if not token or not more or (not over and len(more) * 2 < first):
            return entries
        asked["token"] = str(token)
    raise Unreadable(Gap(GapReason.TOO_LARGE, shown, f"more than {_MOST_PAGES} answers"))


def _lines(entries: list[Any], shown: str) -> Iterator[str]:
    """One line per entry, as the file has them: what Airflow says of its sources is left out.

    Raises:
        Unreadable: there is nothing but a word on why the log is not to be had.
    """
    plain = [entry if isinstance(entry, Mapping) else {"event": entry} for entry in entries]
    events = [str(entry.get("event") or "") for entry in plain]
    begin = 0
    if events and events[0].startswith("::group::Log message source details"):
        begin = events.index(_HEADER_END) + 1 if _HEADER_END in events else len(events)
    if begin == len(plain):
        why = one_line(events[1], 200) if len(events) > 1 else "it is empty"
        raise Unreadable(Gap(GapReason.MISSING_OBJECT, shown, why))
    for entry, event in zip(plain[begin:], events[begin:], strict=True):
        more = {key: value for key, value in entry.items() if key not in _DULL}
        line = f"{event} {json.dumps(more, ensure_ascii=False)}" if more else event
        yield line.replace("\r", " ").replace("\n", "\\n")
