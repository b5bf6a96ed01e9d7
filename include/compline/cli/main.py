"""The `compline` command: joins the command groups."""

from __future__ import annotations

import traceback
from typing import Any

import typer

from compline import __version__
from compline.cli.common import Exit
from compline.cli.lazy import Lazy


class _Commands(Lazy):
    """Every command, with what `--help` says of it; a test holds that both are the same."""

    entries = {  # noqa: RUF012 - a ClassVar of the base
        "scan": (
            "compline.cli.scan:scan",
            "Scan now and print what was looked at, what was found and what got worse.",
        ),
        "import": (
            "compline.cli.imports:import_",
            (
                "Import a report: JSON of bandit, semgrep, pip-audit or trivy, SARIF, CycloneDX, "
                "or garak's."
            ),
        ),
        "findings": (
            "compline.cli.findings:findings",
            "List findings, the greatest risk first; without filters the open ones.",
        ),
        "explain": (
            "compline.cli.explain:explain",
            (
                "Explain a finding: why it is as it is, its life, witnesses, evidence, waivers and "
                "alerts."
            ),
        ),
        "graph": (
            "compline.cli.graph:graph",
            (
                "Show what depends on what: what a weakness in one asset reaches, and what it "
                "stands on."
            ),
        ),
        "diff": (
            "compline.cli.diff:diff",
            (
                "Show what opened, resolved and changed between two runs: by code, rules or "
                "advisories."
            ),
        ),
        "replay": (
            "compline.cli.replay:replay",
            (
                "Make the statements of a run again from its evidence, and compare them with what "
                "is recorded."
            ),
        ),
        "coverage": (
            "compline.cli.coverage:coverage",
            "Show what was looked at, what was not, and why.",
        ),
        "targets": (
            "compline.cli.targets:targets",
            "List the targets with their last completed look.",
        ),
        "health": (
            "compline.cli.health:health",
            "Say whether schedules start and finish, alerts go out, advisories are recent.",
        ),
        "accept-drop": (
            "compline.cli.accept:accept_drop",
            "Believe a held look: findings that it did not show are resolved, now.",
        ),
        "part": (
            "compline.cli.part:part",
            "Give a merged finding its own witnesses back; the two are never merged again.",
        ),
        "tools": ("compline.cli.tools:app", "Install, check and list the scanners."),
        "config": ("compline.cli.config:app", "Check the configuration."),
        "alerts": ("compline.cli.alerts:app", "See, test, retry and preview alerts."),
        "demo": ("compline.cli.demo:app", "The offline demo organisation."),
        "db": ("compline.cli.database:app", "The findings store."),
        "evidence": ("compline.cli.evidence:app", "What stands behind the findings."),
        "waive": ("compline.cli.waivers:app", "Accept risks, for a time."),
        "gate": ("compline.cli.gate:app", "The promotion gate for models."),
    }


class _Program(typer.Typer):
    """Ends with 3 when something unforeseen happens: Python's own 1 would mean findings."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().__call__(*arguments, **options)
        except Exception:
            traceback.print_exc()
            raise SystemExit(Exit.INCOMPLETE) from None


app = _Program(
    name="compline",
    cls=_Commands,
    help="Continuous compliance for organisations that build AI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def compline() -> None:
    """Has no options of its own; that it is there makes one command a group."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
