"""What every command shares: finding the configuration, opening a session, exit codes.

Every command imports this, so it imports no more than it needs itself: the rest when it is called.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from compline.model import RunResult

if TYPE_CHECKING:
    from compline.config.schema import Config
    from compline.pipeline.progress import Report
    from compline.pipeline.session import Session

DEMO_HOME = Path(".compline/demo")
_CANDIDATES = (Path("compline.yaml"), DEMO_HOME / "compline.yaml")


class Exit(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3


EXIT_OF = {
    RunResult.CLEAN: Exit.OK,
    RunResult.FINDINGS: Exit.FINDINGS,
    RunResult.INCOMPLETE: Exit.INCOMPLETE,
}
"""A run's result as an exit code."""


class Format(StrEnum):
    """For people, or for programs."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", "-f")]
ByOption = Annotated[
    str, typer.Option(help="Who you are; default: the user that runs the command.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="COMPLINE_CONFIG",
        help="compline.yaml; default: the one here, else the demo organisation's.",
        show_default=False,
    ),
]


def stop(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    """Ends the command with a message on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def find_config(given: Path | None) -> Path:
    """The configuration to use; ends the command where there is none."""
    if given is not None:
        return given
    for candidate in _CANDIDATES:
        if candidate.exists():
            return candidate
    stop(
        "There is no compline.yaml here. Write one (see README.md), name one with --config, "
        "or try the demo: compline demo build"
    )


def configuration(given: Path | None) -> Config:
    """The validated configuration; ends the command on a mistake."""
    from compline.config.loader import ConfigError, load_config

    try:
        return load_config(find_config(given))
    except ConfigError as error:
        stop(f"The configuration is not valid:\n{error}")


def workspace(given: Path | None) -> Path:
    """The configured workspace; without any configuration the default one of this folder."""
    named = given is not None or any(path.exists() for path in _CANDIDATES)
    return configuration(given).workspace if named else Path(".compline").resolve()


def person(by: str) -> str:
    """Who acts: the given name, or the user that runs the command."""
    return by or getpass.getuser()


@contextmanager
def session(given: Path | None, report: Report | None = None) -> Iterator[Session]:
    """An open session; errors that a person can mend end the command with their message."""
    from compline.config.secrets import SecretMissing, SecretResolver
    from compline.evidence.locker import EvidenceUnavailable
    from compline.evidence.signing import SigningKeyUnusable
    from compline.pipeline.request import BadRequest
    from compline.pipeline.session import open_session
    from compline.store.engine import StoreError

    config = configuration(given)
    try:
        with open_session(config, SecretResolver(os.environ), report or to_stderr()) as opened:
            yield opened
    except (
        SecretMissing,
        StoreError,
        BadRequest,
        EvidenceUnavailable,
        SigningKeyUnusable,
    ) as error:
        stop(str(error))


def to_stderr() -> Report:
    """Progress for people, apart from the output that programs read."""
    from compline.pipeline.progress import to_lines

    return to_lines(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
