"""What tests ask of looks."""

from __future__ import annotations

from collections.abc import Iterator

from compline.model import Completed, Look


def one(looks: Iterator[Look]) -> Look:
    """The only one."""
    (look,) = looks
    return look


def completed(look: Look) -> Completed:
    """Its outcome, which must be completed."""
    assert isinstance(look.outcome, Completed), look.outcome
    return look.outcome


def places(look: Look) -> list[tuple[str, int | None]]:
    """Path and line of everything that it found."""
    return [(each.place.path, each.place.line) for each in completed(look).observations]
