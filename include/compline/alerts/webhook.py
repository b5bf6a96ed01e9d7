"""Our own webhook: JSON, signed, with the delivery's id as key against doing things twice.

`docs/webhook.md` tells receivers how to check the signature.
"""

from __future__ import annotations

import email.utils
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from compline.alerts.channels import DeliveryFailed, Envelope, quiet_libraries, within
from compline.alerts.escape import chat
from compline.alerts.messages import Entry, Message
from compline.alerts.render import body, subject_line

_LONGEST_WAIT = 24 * 3600.0
"""Seconds; a Retry-After beyond that is not believed."""


class Webhook:
    """One receiver and the key that it shares with us."""

    def __init__(self, url: str, key: bytes, seconds: float) -> None:
        if not url.startswith(("https://", "http://")):
            raise DeliveryFailed("a webhook's address begins with https:// or http://")
        self._url = url
        self._key = key
        self._seconds = seconds

    def send(self, message: Message, envelope: Envelope) -> str:
        """One POST; 2xx is a yes, a redirection is none."""
        content = json.dumps(payload(message, envelope), ensure_ascii=False).encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Compline",
            "Idempotency-Key": envelope.id,
            "Compline-Thread": envelope.thread,
            "Compline-Timestamp": timestamp,
            "Compline-Signature": f"v1={signature(self._key, timestamp, content)}",
        }

        def post() -> str:
            try:
                answer = httpx.post(
                    self._url, content=content, headers=headers, timeout=self._seconds
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                # Only its kind: the message may quote the address.
                raise DeliveryFailed(f"no receiver ({type(error).__name__})") from None
            if not answer.is_success:
                wait = retry_after(answer.headers.get("Retry-After", ""), datetime.now(UTC))
                raise DeliveryFailed(f"the receiver answers {answer.status_code}", wait)
            return ""

        with quiet_libraries():
            return within(self._seconds, post)


def signature(key: bytes, timestamp: str, content: bytes) -> str:
    """HMAC-SHA256 in hexadecimal over timestamp, a full stop, and the body as sent."""
    return hmac.new(key, timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()


def payload(message: Message, envelope: Envelope) -> dict[str, Any]:
    """The body; every text from a scanned repository is already harmless."""
    return {
        "version": 1,
        "id": envelope.id,
        "thread": envelope.thread,
        "closes": list(message.closes),
        "created_at": envelope.at.isoformat(),
        "organisation": chat(message.organisation),
        "rule": message.rule,
        "form": message.form.value,
        "event": message.event.value,
        "title": subject_line(message, chat),
        "text": body(message, chat),
        "total": message.total,
        "counts": {
            name: {chat(value): number for value, number in counts.items()}
            for name, counts in message.counts.items()
        },
        "entries": [_entry(entry) for entry in message.entries],
    }


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that the header asks for, as a number or a date; None where it asks for nothing."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if 0 < seconds <= _LONGEST_WAIT else None


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "event": entry.event.value,
        "kind": entry.kind,
        "subject": chat(entry.about),
        "target": chat(entry.target),
        "scanner": entry.scanner,
        "severity": entry.severity or None,
        "title": chat(entry.title, 300),
        "detail": chat(entry.detail, 600),
        "why": chat(entry.why),
        "owners": [chat(owner) for owner in entry.owners],
        "since": entry.since or None,
        "reaches": [chat(name, 100) for name in entry.reach.foremost],
        "reaches_total": entry.reach.total,
    }
