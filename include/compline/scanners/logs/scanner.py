"""Secrets in log files and in Airflow's task logs, found by trivy as secrets in code are.

A finding is about a secret and a target, by the secret's keyed hash; the logs that hold it are its
places, so a rotation moves it and makes no new one. What was logged is disclosed: that the log is
gone does not take it back, so by default a look closes nothing (see docs/checks/logs.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from compline.model import (
    Completed,
    Failed,
    Gap,
    GapReason,
    Look,
    Outcome,
    ScanKey,
    Skipped,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.airflow.rest import reading
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.scanners.live import Notes, looks_at
from compline.scanners.logs import pieces, tasks
from compline.scanners.logs.files import files_of
from compline.scanners.logs.log import Log
from compline.scanners.logs.night import Night
from compline.scanners.secret_identity import KeyUnusable
from compline.scanners.trivy.command import RULES, Means, TrivyFailed, secret_key_of
from compline.tools.process import ToolError
from compline.tools.toolbox import ToolUnavailable

ADAPTER = "1"
"""Raised whenever the same lines would be read otherwise."""
_STAYS = "what was logged is disclosed: a secret that is not seen any more stays a finding"


class LogSecrets:
    """Secrets in logs; only what has grown is read again."""

    name = "log-secrets"
    kinds = frozenset({TargetKind.AIRFLOW, TargetKind.LOG})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, its rules, and the keys that hash secrets.

        Raises:
            CannotScan: one of them is missing.
        """
        return _key(_means(context))

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Looks at each target in turn; whatever goes wrong with one is its own Failed look.

        Raises:
            CannotScan: as for `scan_key`, or trivy does not find what is planted.
        """
        given = _means(context)
        key = _key(given)
        pieces.prove_once(self.name, given, key, context)
        yield from looks_at(
            jobs,
            self.name,
            context,
            given.tool.version,
            (CannotCollect, TrivyFailed, ToolError),
            "secrets in logs",
            partial(self._judge, given, key, context),
        )

    def _judge(
        self, given: Means, key: ScanKey, context: ScanContext, job: Job, notes: Notes
    ) -> Outcome:
        notes.key = key
        target, settings = job.target, context.config.scanners.log_secrets
        night = Night(self.name, target.name, given, key, context, fresh=job.fresh)
        with ExitStack() as stack:
            logs, gaps = _logs(target, context, stack)
            deadline = time.monotonic() + settings.seconds
            night.read(logs, settings.read_mb << 20, deadline)
        notes.sandbox = night.sandbox
        if not logs:
            if gaps:
                return Failed(f"no log could be looked at: {gaps[0].path} {gaps[0].detail}")
            return Skipped("there is no log: no file fits, or no task has run")
        observations = given.bound(night.observations, target.name)
        gaps += night.gaps
        if not target.settings.get("closes"):
            gaps.append(Gap(GapReason.PARTIAL, "", _STAYS))
        notes.evidence.append(
            canonical_json(
                {
                    "target": target.name,
                    "logs": night.account,
                    "secrets": [
                        {"rule": each.rule, "path": each.place.path, "line": each.place.line}
                        for each in observations
                    ],
                    "gaps": [f"{gap.path} {gap.reason}: {gap.detail}" for gap in gaps],
                }
            )
        )
        return Completed(tuple(observations), tuple(gaps))


def _logs(target: Target, context: ScanContext, stack: ExitStack) -> tuple[list[Log], list[Gap]]:
    settings = context.config.scanners.log_secrets
    if target.kind is TargetKind.LOG:
        return files_of(target.settings.get("files") or (), settings.newest)
    reference = target.settings.get("credential")
    if target.settings.get("url") and reference:
        credential = context.secrets.resolve(str(reference))
        url = str(target.settings["url"])
        option = "scanners.log-secrets.seconds"
        rest = stack.enter_context(reading(url, credential, settings.seconds, option))
        return tasks.remote_logs(rest, settings.newest)
    if target.settings.get("here") and context.airflow is not None:
        return tasks.local_logs(context.airflow, settings.newest)
    raise CannotCollect(
        f"{target.name}: task logs are read over REST (`url` and `credential`), or with `here: "
        "true` by a run of Airflow itself"
    )


def _means(context: ScanContext) -> Means:
    try:
        tool, key = context.tools.get("trivy"), secret_key_of(context)
    except (ToolUnavailable, KeyUnusable) as error:
        raise CannotScan(str(error)) from error
    return Means(tool, context.config.limits, key, None)


def _key(given: Means) -> ScanKey:
    keys = given.key.ids if given.key else ()
    return ScanKey(
        tool=given.tool.digest,
        adapter=ADAPTER,
        rules=digest_of(RULES),
        options=digest_of({"keys": list(keys), "limits": given.limits.model_dump(mode="json")}),
    )
