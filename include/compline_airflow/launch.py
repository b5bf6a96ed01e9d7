"""`make nightly` and `make up`: the embedded Airflow, started for a person at a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import psutil
import typer
from rich.console import Console

from compline.config.loader import ConfigError, load_config
from compline.config.schema import Config
from compline.config.secrets import SecretMissing, SecretResolver
from compline.demo import organisation
from compline.model import RunResult
from compline.pipeline.session import store_url
from compline.reports.summary import print_summary
from compline.scanners.registry import tools_for
from compline.store.engine import StoreError, open_store
from compline.store.runs import RunView, latest_run
from compline.tools.toolbox import Toolbox, ToolUnavailable
from compline_airflow.embedded import ADMIN, Embedded

INCOMPLETE = 3
app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
out = Console(highlight=False)
Project = Annotated[Path, typer.Option(help="The folder that holds dags/ and plugins/.")]


@app.command()
def nightly(
    schedule: Annotated[str, typer.Option(help="Which schedule's DAG.")] = "nightly",
    project: Project = Path(),
) -> None:
    """Run one night through Airflow and print what came of it.

    Exit codes: 0 the night is complete, whatever it found; 2 the configuration is not valid;
    3 coverage is incomplete.
    """
    path, config = _configuration(project)
    if schedule not in config.schedules:
        _stop(f"{path} has no schedule {schedule!r}; there are {', '.join(config.schedules)}", 2)
    _install_tools(config)
    embedded = Embedded(config.workspace.resolve(), project.resolve(), path)
    embedded.prepare()
    started = datetime.now(UTC)
    log = _log_file(config, f"{schedule}-{started:%Y%m%dT%H%M%S}.log")
    out.print(f"compliance_{schedule} through Airflow; its log: {log}")
    code = _test_dag(embedded, f"compliance_{schedule}", log)
    with open_store(store_url(config, SecretResolver(os.environ))) as store:
        run = latest_run(store, schedule)
        if run is None or run.started < started or run.finished is None:
            _stop(f"the night did not come to its end (airflow's exit code {code}); see {log}")
        out.print()
        print_summary(store, run.id)
        _stop_unless_complete(run, code, log)


@app.command()
def up(
    port: Annotated[int, typer.Option(envvar="COMPLINE_PORT")] = 8080,
    project: Project = Path(),
) -> None:
    """Start Airflow with the DAGs and their schedules on 127.0.0.1, until interrupted."""
    path, config = _configuration(project)
    _install_tools(config)
    embedded = Embedded(config.workspace.resolve(), project.resolve(), path, port)
    first = not embedded.passwords.exists()
    embedded.prepare()
    if first:
        out.print(f"User {ADMIN}, password {embedded.password()} (kept in {embedded.passwords})")
    log = _log_file(config, "airflow.log")
    out.print(f"Airflow at {embedded.url} (about half a minute); log: {log}; Ctrl-C ends it")
    with _airflow(embedded, ["standalone"], log) as process:
        try:
            process.wait()
        except KeyboardInterrupt:
            out.print("Ending Airflow")
            return
    _stop(f"Airflow ended by itself with exit code {process.returncode}; see {log}")


def _configuration(project: Path) -> tuple[Path, Config]:
    """The named or present compline.yaml, else the demo, one commit on from its second night."""
    named = os.environ.get("COMPLINE_CONFIG", "")
    path = Path(named) if named else project / "compline.yaml"
    is_demo = not named and not path.exists()
    try:
        if is_demo:
            home = (project / ".compline" / "demo").resolve()
            path = organisation.build(home, home.parent)
        config = load_config(path)
        if is_demo:
            _advance_demo(config, path.parent)
    except ConfigError as error:
        _stop(f"The configuration is not valid:\n{error}", 2)
    except (RuntimeError, SecretMissing, StoreError) as error:
        _stop(str(error))
    return path.resolve(), config


def _advance_demo(config: Config, home: Path) -> None:
    with open_store(store_url(config, SecretResolver(os.environ))) as store:
        latest = latest_run(store, "nightly")
    # A store that outlived `compline demo reset` has nights of the organisation before.
    had_a_night = latest is not None and latest.started > organisation.built_at(home)
    moved = organisation.advance(home) if had_a_night else []
    changed = f"; {' and '.join(moved)} got a new commit, and a model another byte"
    where = changed if moved else ""
    out.print(f"No compline.yaml here: using the demo organisation{where}")


def _install_tools(config: Config) -> None:
    try:
        Toolbox(config.workspace).install(
            tools_for(config), progress=lambda line: out.print(f"  {line}")
        )
    except ToolUnavailable as error:
        # The night still runs: what the tool would have looked at is then Failed in the ledger.
        out.print(f"[bold red]{error}[/]")


def _test_dag(embedded: Embedded, dag: str, log: Path) -> int:
    """`airflow dags test`, its log in a file, our own progress on the terminal."""
    followed = log.with_suffix(".progress.jsonl")
    followed.touch()
    environment = {"COMPLINE_PROGRESS": str(followed)}
    with (
        _airflow(embedded, ["dags", "test", dag], log, environment) as process,
        followed.open(encoding="utf-8") as lines,
        out.status("Airflow is starting") as status,
    ):
        while True:
            ended = process.poll() is not None
            while line := lines.readline():
                progress = json.loads(line)
                out.print(f"{progress['mark']} {progress['step']:<8} {progress['text']}",
                          markup=False)  # fmt: skip
                status.update(f"{progress['step']} ...")
            if ended:
                return int(process.returncode)
            time.sleep(0.1)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _airflow(
    embedded: Embedded, arguments: list[str], log: Path, extra: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Airflow as a session of its own, all of which is ended with the block."""
    # However we were started (a shell's background job ignores SIGINT), and whichever way we are
    # ended, Airflow is ended too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            env={**embedded.environment(), **(extra or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end_session(process)


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Ends every process of the session that Airflow leads; its tasks have groups of their own."""
    for how, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        for member in _session(process.pid):
            with suppress(psutil.NoSuchProcess):
                member.send_signal(how)
        deadline = time.monotonic() + patience
        # Polled, since ours is the only one of them that we may reap.
        while process.poll() is None or _session(process.pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
    process.wait()


def _session(leader: int) -> list[psutil.Process]:
    members = []
    for one in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                members.append(one)
    return members


def _log_file(config: Config, name: str) -> Path:
    folder = config.workspace / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _stop_unless_complete(run: RunView, code: int, log: Path) -> None:
    if run.result == RunResult.INCOMPLETE:
        _stop("Coverage is incomplete: see the failed rows above")
    if code:
        _stop(f"Airflow's run failed (exit code {code}); see {log}")


def _stop(message: str, code: int = INCOMPLETE) -> NoReturn:
    out.print(message, markup=False)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
