"""The web application, behind guards: the coverage of the last run, and what reaches what."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compline.config.loader import ConfigError
from compline.config.secrets import SecretMissing
from compline.model import State
from compline.store.engine import Store, StoreError
from compline.store.findings import FindingFilter, count_findings
from compline.store.ledger import LedgerRow, coverage
from compline.store.runs import latest_run
from compline.web.assets import all_assets, one_asset
from compline.web.headers import SECURITY_HEADERS, SecurityHeaders

log = logging.getLogger(__name__)


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

    app.add_middleware(SecurityHeaders)

    def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(template).render(values), status)

    @app.get("/", response_class=HTMLResponse)
    def last_coverage() -> HTMLResponse:
        return page("coverage.html", **_last_run(open_store()))

    @app.get("/assets", response_class=HTMLResponse)
    def assets() -> HTMLResponse:
        return page("assets.html", **all_assets(open_store()))

    @app.get("/asset", response_class=HTMLResponse)
    def asset(name: str = "") -> HTMLResponse:
        known = one_asset(open_store(), name)
        if known is None:
            return page("trouble.html", 404, what="Nothing is known of such an asset.")
        return page("asset.html", **known)

    async def cannot_show(_request: Request, error: Exception) -> HTMLResponse:
        log.error("the page cannot be shown: %s", error)
        return page("trouble.html", 503, what=str(error))

    # What a person can mend is said; these errors never hold a secret.
    for kind in (ConfigError, SecretMissing, StoreError):
        app.add_exception_handler(kind, cannot_show)

    @app.exception_handler(Exception)
    async def crashed(_request: Request, _error: Exception) -> HTMLResponse:
        # Answered outside every middleware; the server logs the error itself.
        answer = page("trouble.html", 500, what="See the log of Airflow's API server.")
        answer.headers.update(SECURITY_HEADERS)
        return answer

    return app


def _last_run(store: Store) -> dict[str, Any]:
    run = latest_run(store)
    rows: Sequence[LedgerRow] = coverage(store, run.id) if run else ()
    # What was not looked at is what a reader has to see first.
    rows = sorted(rows, key=lambda row: row.outcome != "failed")
    open_by_severity: Counter[str] = Counter()
    counts = count_findings(store, FindingFilter(targets=tuple({row.target for row in rows})))
    for (_, severity, state), number in counts.items() if rows else ():
        if state is State.OPEN:
            open_by_severity[severity.value] += number
    return {
        "run": run,
        "rows": rows,
        "whys": {(row.target, row.scanner): _why(row) for row in rows},
        "outcomes": Counter(row.outcome for row in rows),
        "open": open_by_severity,
        "severities": ("critical", "high", "unknown", "medium", "low", "info"),
    }


def _why(row: LedgerRow) -> list[str]:
    """What is to be known about a row, one thing a line."""
    left_out = f"left out: {row.left_out}" if row.left_out else ""
    return [*filter(None, [row.reason, *row.rests_on, left_out]), *row.warnings]
