"""`compline evidence`: verify the chain, show what proves a finding, retention, keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from compline.cli.common import ConfigOption, Exit, Format, FormatOption, session, stop
from compline.evidence.signing import SigningKeyUnusable, fingerprint, new_key, public_of
from compline.pipeline.proof import Proof, prove
from compline.pipeline.retention import prune_evidence
from compline.pipeline.verify import Verified
from compline.pipeline.verify import verify as check
from compline.reports.plain import printable
from compline.reports.terminal import console, folded

app = typer.Typer(help="What stands behind the findings.", no_args_is_help=True)


@app.command()
def verify(
    config: ConfigOption = None,
    run: Annotated[int | None, typer.Option(help="Ledger and evidence of this run only.")] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="PEM of a key that may have signed; repeatable.", dir_okay=False),
    ] = None,
    expect: Annotated[
        str, typer.Option(help="NUMBER:DIGEST of a manifest written down before.")
    ] = "",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Find every file that was changed, is missing or was reordered, and every changed ledger row.

    Exits with 1 and the list if there is one. The last line names the chain's head: written down
    elsewhere and given as --expect later, it shows that nothing was taken from the chain's end.
    """
    keys = [_key(path) for path in public_key or ()]
    with session(config) as opened:
        found = check(opened, run, keys, expect)
    if format_ is Format.JSON:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def show(
    finding: Annotated[str, typer.Argument(metavar="ID")],
    config: ConfigOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show what proves a finding, witness by witness. Exits with 1 if a proof is not whole."""
    with session(config) as opened:
        proofs = prove(opened, finding)
    if format_ is Format.JSON:
        typer.echo(json.dumps([proof.as_json() for proof in proofs], indent=2))
    else:
        for proof in proofs:
            console().print(proof_table(proof))
    if any(proof.trouble for proof in proofs):
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def prune(
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Remove evidence that is older than `evidence.keep_days` and that nothing stands on."""
    with session(config) as opened:
        done = prune_evidence(opened, dry_run=dry_run)
    verb = "would be removed" if dry_run else "removed"
    typer.echo(
        f"{len(done.removed)} documents {verb}, {done.unclaimed} that no look names, "
        f"{done.kept} kept; manifests stay"
    )


@app.command()
def keygen(
    out: Annotated[Path, typer.Option("--out", "-o", help="File for the private key.")],
) -> None:
    """Make an Ed25519 key pair for signing manifests; prints the public key."""
    private, public = new_key()
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        stop(f"{out} cannot be made: {error.strerror}")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(private)
    typer.echo(public, nl=False)
    typer.echo(
        f"{fingerprint(public_of(public))}: the private key is in {out}. Give its text to "
        "Compline in an environment variable or an Airflow connection and name that as\n"
        "evidence: {signing_key: env:COMPLINE_SIGNING_KEY}",
        err=True,
    )


def proof_table(proof: Proof) -> Table:
    """One witness's proof, line by line."""
    values = proof.as_json()
    look = proof.look
    table = Table(
        title=Text(f"{look.scanner}: {look.observation.rule} ({look.state})"),
        title_justify="left",
        box=None,
        pad_edge=False,
        show_header=False,
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    key = look.scan_key
    rows = {
        "run": f"{look.run}, first seen in run {look.first_run}",
        "looked at": f"{look.revision} on {values['looked_at']}",
        "with": f"{look.tool_version} {look.advisory_date}".strip(),
        "scan key": f"{key.digest}" if key else "",
        "statement": proof.statement,
        "said": json.dumps(values["said"], ensure_ascii=False) if values["said"] else "",
        "reports": "\n".join(proof.reports),
        "manifest": f"{look.manifest}: {look.manifest_digest}" if look.manifest else "none yet",
        "not whole": proof.trouble,
    }
    for name, text in rows.items():
        if text:
            table.add_row(name, Text("\n".join(printable(line) for line in text.split("\n"))))
    return table


def _print(found: Verified) -> None:
    out = console()
    if found.problems:
        table = folded("problem", "what", "why")
        for problem in found.problems:
            table.add_row(
                Text(problem.kind, "bold red"),
                Text(printable(problem.what)),
                Text(printable(problem.detail)),
            )
        out.print(table)
    for note in found.notes:
        out.print(Text(f"note: {printable(note)}", "dim"))
    out.print(
        f"{found.links} manifests ({found.signed} signed), {found.rows} ledger rows, "
        f"{found.documents} documents checked: "
        + (f"{len(found.problems)} problems" if found.problems else "all as written")
    )
    if found.head:
        out.print(f"head {found.head}", soft_wrap=True)


def _key(path: Path) -> str:
    try:
        return public_of(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, SigningKeyUnusable) as error:
        stop(f"{path}: {error}")
