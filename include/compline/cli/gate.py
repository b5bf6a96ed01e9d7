"""`compline gate`: may this model version be deployed, what was decided, does a decision hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from compline.cli.common import (
    ConfigOption,
    Exit,
    Format,
    FormatOption,
    person,
    session,
    stop,
)
from compline.evidence.decision import Decision, NoDecision, problems_of, read_file
from compline.evidence.signing import SigningKeyUnusable, fingerprint, public_of
from compline.pipeline.gate import hold
from compline.pipeline.gate_decisions import decisions, folder_digest
from compline.pipeline.request import BadRequest
from compline.reports.plain import printable
from compline.reports.terminal import console, folded

app = typer.Typer(help="The promotion gate for models.", no_args_is_help=True)

EXIT = {"met": Exit.OK, "breached": Exit.FINDINGS, "unknown": Exit.INCOMPLETE}
_STYLE = {"met": "green", "breached": "bold red", "unknown": "yellow"}


@app.command()
def model(
    name: Annotated[str, typer.Argument(help="The model, as its registry or folder calls it.")],
    version: Annotated[
        str, typer.Argument(help="Its version; left out where the target is one model.")
    ] = "",
    config: ConfigOption = None,
    target: Annotated[
        str, typer.Option("--target", "-t", help="The target that holds it, where several might.")
    ] = "",
    last: Annotated[
        bool, typer.Option("--last", help="Judge the last looks instead of looking now.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the decision here, signed where a key is set."),
    ] = None,
    by: Annotated[
        str, typer.Option(help="Who asks; default: the user that runs the command.")
    ] = "",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Decide whether a model version may be deployed, and keep the decision as evidence.

    Exit codes: 0 met, 1 breached, 2 usage, configuration or no such version, 3 unknown.
    """
    with session(config) as opened:
        decision = hold(opened, name, version, target=target, last=last, by=person(by))
    if output is not None:
        try:
            output.write_text(json.dumps(decision.as_json(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            stop(f"{output} cannot be written: {error.strerror}; the decision is kept as evidence")
    if format_ is Format.JSON:
        typer.echo(json.dumps(decision.as_json(), indent=2))
    else:
        _print(decision)
    raise typer.Exit(EXIT[decision.verdict])


@app.command("list")
def list_(config: ConfigOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Show the decisions of the past, the newest first."""
    with session(config) as opened:
        found = list(decisions(opened))
    if format_ is Format.JSON:
        rows = [
            {"number": number, **({"problem": one} if isinstance(one, str) else one.as_json())}
            for number, one in found
        ]
        typer.echo(json.dumps(rows, indent=2))
    elif not found:
        console().print("Nothing was decided yet: see `compline gate model --help`.")
    else:
        table = folded("number", "at", "model", "version", "verdict", "digest", "by")
        for number, one in found:
            if isinstance(one, str):
                table.add_row(str(number), "", Text(printable(one), "bold red"), "", "", "", "")
                continue
            said = one.said
            texts = (one.at.isoformat(timespec="minutes"), said["model"], said["version"])
            table.add_row(
                str(number),
                *(Text(printable(str(text))) for text in texts),
                Text(one.verdict, _STYLE[one.verdict]),
                str(said["digest"])[:19],
                Text(printable(str(said["by"]))),
            )
        console().print(table)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="What `--output` wrote.", dir_okay=False)],
    digest: Annotated[
        str, typer.Option(help="The model's digest, as it is where it is to be deployed.")
    ] = "",
    folder: Annotated[
        Path | None,
        typer.Option(help="The version's files: their digest is taken.", file_okay=False),
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="PEM of a key that may have signed; repeatable.", dir_okay=False),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Ask for no signature: anybody may have written it.")
    ] = False,
    max_age_hours: Annotated[
        float, typer.Option(min=0, help="How old the decision may be; 0: any age.")
    ] = 0,
) -> None:
    """Check a decision before deploying: signed by your key, for these very files, and met.

    Needs neither configuration nor store. Exit codes: 0 it holds and is met, 1 it does not hold
    or is breached, 2 usage, 3 it holds and is unknown.
    """
    if bool(digest) == (folder is not None):
        stop("Give the model's digest with --digest, or its files with --folder")
    if bool(public_key) == unsigned:
        stop("Give the keys that may have signed with --public-key, or --unsigned")
    trusted = None if unsigned else [_key(path) for path in public_key or ()]
    try:
        decision = read_file(file.read_bytes())
        here = digest if folder is None else folder_digest(folder)
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}")
    except BadRequest as error:
        stop(str(error))
    except NoDecision as error:
        stop(f"{file}: {error}", Exit.FINDINGS)
    problems = problems_of(decision, trusted, here)
    age = datetime.now(UTC) - decision.at
    if max_age_hours and not timedelta() <= age <= timedelta(hours=max_age_hours):
        problems.append(f"it was made at {decision.at.isoformat(timespec='minutes')}")
    if problems:
        stop("\n".join(printable(each) for each in problems), Exit.FINDINGS)
    said = decision.said
    typer.echo(
        printable(
            f"{said.get('model')} {said.get('version')}: {decision.verdict}, decided at "
            f"{decision.at.isoformat(timespec='minutes')}"
        )
    )
    raise typer.Exit(EXIT[decision.verdict])


@app.command("digest")
def digest_(
    folder: Annotated[Path, typer.Argument(help="The version's files.", file_okay=False)],
) -> None:
    """Print the digest of a version's files, to be compared with a decision's."""
    try:
        typer.echo(folder_digest(folder))
    except BadRequest as error:
        stop(str(error))


def _print(decision: Decision) -> None:
    said, out = decision.said, console()
    head = f"{said['model']} {said['version']}".rstrip()
    out.print(Text(f"{printable(head)} in {said['target']['name']}: {decision.verdict}", "bold"))
    table = folded("requirement", "verdict", "why")
    for each in said["requirements"]:
        waived = f" (waived: {', '.join(each['accepted'])})" if each["accepted"] else ""
        table.add_row(
            each["name"],
            Text(each["verdict"], _STYLE[each["verdict"]]),
            Text(printable(each["reason"]) + waived),
        )
    out.print(table)
    if said["not_required"]:
        out.print(Text(f"not required: {', '.join(said['not_required'])}", "dim"))
    out.print(f"digest {said['digest'] or 'unknown'}", soft_wrap=True)
    signed = f"signed by {fingerprint(decision.signer)}" if decision.signer else "not signed"
    out.print(f"decision {decision.digest}, {signed}", soft_wrap=True)


def _key(path: Path) -> str:
    try:
        return public_of(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, SigningKeyUnusable) as error:
        stop(f"{path}: {error}")
