"""Routes what got worse into the outbox, and takes the outbox to its channels."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from compline.alerts.channels import AppriseChannel, Channel, Console, DeliveryFailed
from compline.alerts.render import body, subject
from compline.config.schema import CONSOLE
from compline.config.secrets import SecretMissing
from compline.findings.regressions import Regression
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session
from compline.store.outbox import (
    Delivery,
    Draft,
    RegressionView,
    claim_deliveries,
    mark_delivered,
    mark_failed,
    route_regressions,
)

_MOST_ATTEMPTS = 10
"""After so many refusals a delivery is a dead letter, which `compline alerts list` shows."""


def notify(session: Session, run: int | None = None) -> int:
    """Delivers what is due; returns how many deliveries failed and wait for another try.

    Args:
        run: routes only this run's regressions; deliveries of any run are taken along.
    """

    def router(views: Sequence[RegressionView]) -> Iterator[Draft]:
        return _drafts(session, views)

    route_regressions(session.store, router, session.now(), run=run)
    owner = f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}"
    failed = sent = 0
    while claimed := claim_deliveries(session.store, owner, session.now()):
        for delivery in claimed:
            if _deliver(session, delivery, owner):
                sent += 1
            else:
                failed += 1
    text = f"{sent} delivered, {failed} to be tried again"
    session.report(Progress("notify", text, "!" if failed else "✓"))
    return failed


def _drafts(session: Session, views: Sequence[RegressionView]) -> Iterator[Draft]:
    """One message per run, target and channel over what reaches the configured severity."""
    alerts = session.config.alerts
    channels = [*([CONSOLE] if alerts.console else []), *(c.name for c in alerts.channels)]
    grave = [
        view
        for view in views
        if view.regression.severity is None
        or view.regression.severity.reaches(alerts.from_severity)
    ]

    def by_target(view: RegressionView) -> tuple[int, str]:
        return view.run, view.regression.target

    for (_, target), group in groupby(sorted(grave, key=by_target), key=by_target):
        regressions: list[Regression] = [view.regression for view in group]
        payload = {
            "subject": subject(session.config.organisation, target, regressions),
            "body": body(regressions),
        }
        for channel in channels:
            yield Draft(channel=channel, subject=target, payload=payload)


def _deliver(session: Session, delivery: Delivery, owner: str) -> bool:
    error = _trouble(session, delivery)
    if error:
        wait = timedelta(minutes=min(2**delivery.attempts, 240))
        retry_at = session.now() + wait if delivery.attempts < _MOST_ATTEMPTS else None
        mark_failed(
            session.store, delivery.id, owner, session.now(), error=error, retry_at=retry_at
        )
        session.report(Progress("notify", f"{delivery.channel}: {error}", "✗"))
        return False
    mark_delivered(session.store, delivery.id, owner, session.now())
    return True


def _trouble(session: Session, delivery: Delivery) -> str:
    """Sends; gives what went wrong, empty where the channel has taken it."""
    try:
        channel = _channel(session, delivery.channel)
        channel.send(str(delivery.payload["subject"]), str(delivery.payload["body"]))
    except (DeliveryFailed, SecretMissing) as error:
        return str(error) or type(error).__name__
    except Exception as error:  # one channel's crash must not keep the others from their messages
        # Only the type: a library's message may quote the channel's URL, which is a secret.
        return f"the channel crashed ({type(error).__name__})"
    return ""


def _channel(session: Session, name: str) -> Channel:
    """The channel of that name.

    Raises:
        DeliveryFailed: it is no longer configured.
        SecretMissing: its address cannot be resolved.
    """
    if name == CONSOLE:
        return Console(lambda line: session.report(Progress("notify", line, "!")))
    for channel in session.config.alerts.channels:
        if channel.name == name:
            return AppriseChannel(session.secrets.resolve(channel.url))
    raise DeliveryFailed(f"channel {name} is no longer configured")
