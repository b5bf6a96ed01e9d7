"""The web application: one guarded page with the coverage of the last run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compline.model import State
from compline.store.engine import Store
from compline.store.findings import FindingFilter, count_findings
from compline.store.ledger import LedgerRow, coverage
from compline.store.runs import latest_run

_SECURITY_HEADERS = {
    # Airflow shows the page in a frame of its own origin; nothing else may, and nothing runs.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(open_store: Callable[[], Store], guards: Sequence[Any]) -> FastAPI:
    """The application; every route stands behind the guards.

    Args:
        open_store: gives the store, at the first request and not before.
        guards: FastAPI dependencies that refuse who may not read; there must be one.

    Raises:
        ValueError: no guard was given.
    """
    if not guards:
        raise ValueError("the pages show findings: they need a guard")
    # The documentation routes are not covered by dependencies, so there are none.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(guards))
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )

    @app.get("/", response_class=HTMLResponse)
    def last_coverage() -> HTMLResponse:
        page = templates.get_template("coverage.html").render(_last_run(open_store()))
        return HTMLResponse(page, headers=_SECURITY_HEADERS)

    return app


def _last_run(store: Store) -> dict[str, Any]:
    run = latest_run(store)
    rows: Sequence[LedgerRow] = coverage(store, run.id) if run else ()
    open_by_severity: Counter[str] = Counter()
    counts = count_findings(store, FindingFilter(targets=tuple({row.target for row in rows})))
    for (_, severity, state), number in counts.items() if rows else ():
        if state is State.OPEN:
            open_by_severity[severity.value] += number
    return {
        "run": run,
        "rows": rows,
        "outcomes": Counter(row.outcome for row in rows),
        "open": open_by_severity,
        "severities": ("critical", "high", "unknown", "medium", "low", "info"),
    }
