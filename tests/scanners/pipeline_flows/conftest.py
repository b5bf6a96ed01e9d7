"""What all tests of data flows share."""

from __future__ import annotations

from flows import look_at  # noqa: F401 - a fixture
