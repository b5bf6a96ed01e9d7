"""The one exception of this package."""

from __future__ import annotations


class SourceError(Exception):
    """The source could not be looked at; the message says what to do and holds no secret.

    It means Failed for whoever wanted to look: never an empty tree, never "nothing changed".
    """
