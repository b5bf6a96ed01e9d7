"""Starts schemathesis in its own environment, so that it can reach nothing but the gateway."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compline.scanners.endpoints.dynamic.document import Document
from compline.scanners.http.addresses import Place
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import Tool

_GRACE_SECONDS = 60.0
"""For the end, after the gateway has passed on the last request."""
_REPORT_MB = 256
_CONFIGURATION = "[phases.coverage]\nunexpected-methods = []\n"
"""Methods that the document does not have are not sent."""


class Broke(Exception):
    """The tool ended otherwise than with a report."""


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    report: bytes
    """NDJSON."""
    sandbox: str


def test(
    tool: Tool,
    document: Document,
    place: Place,
    proxy: str,
    *,
    checks: Sequence[str],
    methods: Sequence[str],
    examples: int,
    seconds: float,
    memory_mb: int,
    output_mb: int,
) -> Ran:
    """One deterministic run over the document's operations.

    Args:
        tool: schemathesis.
        document: with the canary.
        place: the endpoint, named in the requests that the gateway gets.
        proxy: the gateway's URL.
        checks: to be made of each answer.
        methods: of the operations to be tested.
        examples: random cases per operation and phase.
        seconds: until the gateway passes nothing on any more.
        memory_mb: of the tool.
        output_mb: of what it prints.

    Raises:
        ToolError: it could not be started, took too long or too much.
        Broke: it ended without a report.
    """
    with tempfile.TemporaryDirectory(prefix="compline-dynamic-") as folder:
        given, made = Path(folder, "given"), Path(folder, "made")
        given.mkdir()
        made.mkdir()
        (given / "openapi.json").write_bytes(document.text)
        (given / "schemathesis.toml").write_text(_CONFIGURATION, encoding="utf-8")
        report = made / "report.ndjson"
        words = [
            *("--config-file", given / "schemathesis.toml", "run", given / "openapi.json"),
            *("--url", f"http://{place.authority}{place.path}"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
            *("--checks", ",".join(checks), "--continue-on-failure", "--no-shrink"),
            *("--generation-deterministic", "--suppress-health-check", "all", "--workers", "1"),
            *("--generation-with-security-parameters", "false", "--request-timeout", "30"),
            *("--report", "ndjson", "--report-ndjson-path", report, "--no-color"),
            *(word for method in methods for word in ("--include-method", method)),
        ]
        done = run(
            [tool.executable, *map(str, words)],
            limits=ProcessLimits(seconds + _GRACE_SECONDS, memory_mb, output_mb, _REPORT_MB),
            readable=[tool.home, given],
            writable=[made],
            cwd=given,
            env=_only_through(proxy),
            network=True,
        )
        if done.returncode not in (0, 1) or not report.is_file():
            raise Broke(f"schemathesis ended with exit code {done.returncode} and no whole report")
        return Ran(report.read_bytes(), done.sandbox)


def _only_through(proxy: str) -> dict[str, str]:
    """Proxy settings that leave out no host, whatever our own environment says."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    chosen = {"NO_PROXY": "", "no_proxy": ""}
    return chosen | {spelt: proxy for name in names for spelt in (name, name.lower())}
