"""Takes one message to one channel: Apprise for the world's services, the console for the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import apprise


class DeliveryFailed(Exception):
    """The channel did not take the message; it may be tried again. Never holds the URL."""


class Channel(Protocol):
    """Somewhere alerts go."""

    def send(self, subject: str, body: str) -> None:
        """Hands the message over.

        Raises:
            DeliveryFailed: the channel did not say yes.
        """
        ...


class Console:
    """Prints alerts into the task's log or the terminal."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def send(self, subject: str, body: str) -> None:
        """Writes subject and body, indented."""
        self._write(f"ALERT {subject}")
        for line in body.splitlines():
            self._write(f"  {line}")


class AppriseChannel:
    """Any of Apprise's services, named by its URL, which is a secret."""

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self._url = url
        self._seconds = seconds

    def send(self, subject: str, body: str) -> None:
        """One Apprise call for this one URL; Apprise answers only yes or no."""
        # Its own log may show parts of the URL; its storage would keep state on disk.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        asset = apprise.AppriseAsset(
            storage_mode="memory", service_timeout=self._seconds, secure_logging=True
        )
        sender = apprise.Apprise(asset=asset)
        if not sender.add(self._url):
            raise DeliveryFailed("Apprise does not understand the channel's URL; see its manual")
        taken = sender.notify(
            title=subject, body=body, body_format=apprise.NotifyFormat.TEXT, interpret_escapes=False
        )
        if not taken:
            raise DeliveryFailed("the channel did not take the message")
