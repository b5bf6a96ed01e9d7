"""What goes wrong with advisory data."""

from __future__ import annotations


class AdvisoryError(Exception):
    """The data is absent, unreadable or holds nothing; the message says what to do.

    Raised instead of giving an empty answer: without advisories nothing can be said of a
    dependency.
    """
