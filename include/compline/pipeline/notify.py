"""Routes what got worse into the outbox, and takes the outbox to its channels."""

from __future__ import annotations

import random
import socket
import uuid
from collections import Counter
from datetime import timedelta

from compline.alerts.addresses import channel_at
from compline.alerts.channels import Channel, Console, DeliveryFailed, Envelope
from compline.alerts.messages import Message
from compline.config.alerts import CONSOLE
from compline.config.secrets import SecretMissing
from compline.pipeline.progress import Progress
from compline.pipeline.route import route_all
from compline.pipeline.session import Session
from compline.store.outbox import Delivery, claim_deliveries, mark_delivered, mark_failed

MOST_ATTEMPTS = 20
"""After so many refusals, two days, a delivery is a dead letter, which `compline alerts list`
shows."""
_FIRST_WAIT = 60.0
_LONGEST_WAIT = 4 * 3600.0
_REFUSALS = 2
"""A channel that has refused so often in one pass is left alone until the next."""


def notify(session: Session) -> int:
    """Routes, and delivers what is due; gives how many deliveries failed and wait."""
    route_all(session)
    return deliver(session)


def deliver(session: Session) -> int:
    """Takes what is due to its channels; gives how many deliveries failed and wait."""
    owner = f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}"
    longest = max((one.seconds for one in session.config.alerts.channels), default=0.0)
    refused: Counter[str] = Counter()
    sent = 0
    while True:
        # One at a time: its lease must outlast the sending.
        claimed = claim_deliveries(
            session.store,
            owner,
            session.now(),
            lease_seconds=4 * longest + 60,
            limit=1,
            without={name for name, number in refused.items() if number >= _REFUSALS},
        )
        if not claimed:
            break
        if _deliver(session, claimed[0], owner):
            sent += 1
        else:
            refused[claimed[0].channel] += 1
    failed = refused.total()
    if sent or failed:
        text = f"{sent} delivered, {failed} to be tried again"
        session.report(Progress("notify", text, "!" if failed else "✓"))
    return failed


def backoff(attempt: int, asked: float | None, share: float) -> float:
    """Seconds until the next try: twice as long each time, and never all channels at once.

    Args:
        attempt: how often it was tried.
        asked: seconds that the channel asks to be left alone for; a lower bound.
        share: 0 to 1, drawn by lot.
    """
    doubled: float = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return max(doubled * (0.75 + 0.5 * share), asked or 0.0)


def _deliver(session: Session, delivery: Delivery, owner: str) -> bool:
    wait: float | None = None
    note = ""
    try:
        note = send(session, delivery)
    except DeliveryFailed as error:
        trouble, wait = str(error) or "refused", error.retry_after
    except SecretMissing as error:
        trouble = str(error)
    else:
        mark_delivered(session.store, delivery.id, owner, session.now(), note=note)
        if note:
            session.report(Progress("notify", f"{delivery.channel}: {note}", "!"))
        return True
    retry_at = None
    if delivery.attempts < MOST_ATTEMPTS:
        seconds = backoff(delivery.attempts, wait, random.random())  # noqa: S311 - no secret
        retry_at = session.now() + timedelta(seconds=seconds)
    mark_failed(session.store, delivery.id, owner, session.now(), error=trouble, retry_at=retry_at)
    session.report(Progress("notify", f"{delivery.channel}: {trouble}", "✗"))
    return False


def send(session: Session, delivery: Delivery) -> str:
    """Hands a delivery to its channel; gives what is worth noting.

    Raises:
        DeliveryFailed: the channel did not say yes, or crashed: that must not keep the others
            from their messages.
        SecretMissing: its address, or its signing key, cannot be resolved.
    """
    try:
        envelope = Envelope(delivery.id, delivery.thread, delivery.created_at)
        message = Message.from_json(delivery.payload)
        return _channel_named(session, delivery.channel).send(message, envelope)
    except (DeliveryFailed, SecretMissing):
        raise
    except Exception as error:
        # Only the type: a library's message may quote the channel's address, which is a secret.
        raise DeliveryFailed(f"the channel crashed ({type(error).__name__})") from None


def _channel_named(session: Session, name: str) -> Channel:
    """The channel of that name.

    Raises:
        DeliveryFailed: it is no longer configured, or its address cannot be understood.
        SecretMissing: its address, or its signing key, cannot be resolved.
    """
    if name == CONSOLE:
        return Console(lambda line: session.report(Progress("notify", line, "!")))
    for channel in session.config.alerts.channels:
        if channel.name == name:
            url = session.secrets.resolve(channel.url)
            key = session.secrets.resolve(channel.signing_key) if channel.signing_key else ""
            return channel_at(url, key, channel.seconds)
    raise DeliveryFailed(f"channel {name} is no longer configured")
