"""One run from beginning to end in this process: what the nightly DAG does in several tasks."""

from __future__ import annotations

import os
import socket
import uuid

from compline.model import RunResult
from compline.pipeline import conclude, discover, notify, plan, scan
from compline.pipeline.request import Request
from compline.pipeline.session import Session


def run_once(session: Session, request: Request, kind: str = "cli") -> tuple[int, RunResult]:
    """Begins, scans, concludes and notifies; gives the run's number and result.

    Raises:
        BadRequest: as `discover.begin`.
    """
    run = discover.begin(session, kind, uuid.uuid4().hex, request)
    owner = f"{socket.gethostname()}/{os.getpid()}"
    for number in range(plan.plan(session, run)):
        scan.scan_shard(session, run, number, owner)
    result = conclude.conclude(session, run)
    notify.notify(session)
    return run, result
