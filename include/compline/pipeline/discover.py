"""The first step of a run: what exists, and the run's own row."""

from __future__ import annotations

from compline.pipeline.progress import Progress
from compline.pipeline.request import Request, select_scanners, select_targets
from compline.pipeline.session import Session
from compline.store.runs import start_run
from compline.store.targets import sync_targets
from compline.targets.listed import Listed


def begin(session: Session, kind: str, key: str, request: Request) -> int:
    """Brings the list of targets up to date and opens the run; the same key is the same run.

    Args:
        kind: the schedule's name, `adhoc` or `cli`.
        key: names the run from outside (Airflow's run id), so that a retry finds it again.

    Raises:
        BadRequest: the request names what is not there; no run is opened.
    """
    chosen = select_targets(session.config, request)
    select_scanners(session.config, request)
    synced = sync_targets(session.store, Listed().discover(session.config), session.now())
    run = start_run(session.store, kind, session.now(), key=key, parameters=request.as_json())
    news = [
        f"{len(names)} {word}"
        for names, word in (
            (synced.added, "new"),
            (synced.returned, "back"),
            (synced.vanished, "no longer listed"),
        )
        if names
    ]
    detail = f" ({', '.join(news)})" if news else ""
    session.report(Progress("discover", f"run {run}: {len(chosen)} targets{detail}", "✓"))
    return run
