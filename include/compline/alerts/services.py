"""The world's services by Apprise: one call for one address, and PagerDuty's incidents by key."""

from __future__ import annotations

from typing import Any

import apprise
from apprise.plugins.pagerduty import NotifyPagerDuty, PagerDutyAction

from compline.alerts.channels import DeliveryFailed, Envelope, quiet_libraries, within
from compline.alerts.escape import chat
from compline.alerts.messages import Event, Message
from compline.alerts.render import body, subject_line
from compline.model import Severity

_MOST = 6_000
"""Characters of a body where the service would take more."""


class Service:
    """One of Apprise's services, as it understood the address."""

    def __init__(self, plugin: Any, asset: apprise.AppriseAsset, seconds: float) -> None:
        self._plugin = plugin
        self._asset = asset
        self._seconds = seconds

    def send(self, message: Message, envelope: Envelope) -> str:
        """Apprise answers only yes or no."""
        if not isinstance(self._plugin, NotifyPagerDuty):
            self._notify(message)
            return ""
        self._plugin.request_rate_per_sec = 0  # else Apprise sleeps for seconds between two
        for thread in message.closes:
            self._plugin.dedup, self._plugin.action = thread, PagerDutyAction.RESOLVE
            self._notify(message)
        # A resolution would open an incident that somebody has closed by hand.
        if message.event is not Event.RESOLVED:
            self._plugin.dedup, self._plugin.action = envelope.thread, PagerDutyAction.TRIGGER
            self._notify(message)
        return ""

    def _notify(self, message: Message) -> None:
        subject = subject_line(message, chat)
        most = min(_MOST, self._plugin.body_maxlen - len(subject) - 2)
        text = body(message, chat, most)
        sender = apprise.Apprise(asset=self._asset)
        sender.add(self._plugin)

        def call() -> str:
            taken = sender.notify(
                title=subject,
                body=text,
                body_format=apprise.NotifyFormat.TEXT,
                notify_type=_type(message),
                interpret_escapes=False,
            )
            if not taken:
                raise DeliveryFailed("the channel did not take the message")
            return ""

        with quiet_libraries():
            # Apprise ends a call at its own limit first and says no.
            within(self._seconds + 5, call)


def _type(message: Message) -> apprise.NotifyType:
    if message.event is Event.RESOLVED:
        return apprise.NotifyType.SUCCESS
    if message.event is Event.TEST:
        return apprise.NotifyType.INFO
    graves = [entry.severity for entry in message.entries if entry.severity]
    grave = any(Severity(severity).reaches(Severity.HIGH) for severity in graves)
    return apprise.NotifyType.FAILURE if grave else apprise.NotifyType.WARNING
