"""The store's one exception."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do it; the message says what to do and holds no password."""
