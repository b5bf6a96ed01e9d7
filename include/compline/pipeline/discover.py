"""The first step of a run: what exists, and the run's own row."""

from __future__ import annotations

from compline.model import Link
from compline.pipeline.lives import keep_urgency, policy_of
from compline.pipeline.progress import Progress
from compline.pipeline.request import HONOURS, Request, select_scanners, select_targets
from compline.pipeline.session import Session
from compline.pipeline.waive import sync_written, written_waivers
from compline.store.links import declare_links
from compline.store.runs import start_run
from compline.store.targets import sync_targets
from compline.targets.listed import Listed


def begin(session: Session, kind: str, key: str, request: Request) -> int:
    """Opens the run and brings up to date what it stands on; the same key is the same run.

    That is the list of targets, the reviewed waivers, and what follows from the configuration for
    every open finding.

    Args:
        kind: the schedule's name, `adhoc` or `cli`.
        key: names the run from outside (Airflow's run id), so that a retry finds it again.

    Raises:
        BadRequest: the request names what is not there, or a file that the configuration names
            is not what it should be; no run is opened.
    """
    chosen = select_targets(session.config, request)
    select_scanners(session.config, request)
    listed = Listed().discover(session.config)
    policy_of(session.config)  # Its files are read before anything is written.
    written = written_waivers(session)
    parameters = request.as_json()
    if session.config.ignore.honour_inline:
        parameters[HONOURS] = True
    run = start_run(session.store, kind, session.now(), key=key, parameters=parameters)
    synced = sync_targets(session.store, listed, session.now(), run=run)
    sync_written(session, written)
    declared = [Link(one.source, one.destination, one.how) for one in session.config.links]
    declare_links(session.store, declared, session.now())
    keep_urgency(session, run)
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
