"""Value types to JSON bytes and back: for the results cache and the store."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from compline.model import Completed, Gap, Observation

_completed: TypeAdapter[Completed] = TypeAdapter(Completed)
_gaps: TypeAdapter[tuple[Gap, ...]] = TypeAdapter(tuple[Gap, ...])
_observation: TypeAdapter[Observation] = TypeAdapter(Observation)


def dump_completed(result: Completed) -> bytes:
    """JSON of a completed outcome; fields at their default are left out."""
    return _completed.dump_json(result, exclude_defaults=True)


def load_completed(data: bytes) -> Completed:
    """The inverse of `dump_completed`.

    Raises:
        pydantic.ValidationError: the bytes are not what was dumped.
    """
    return _completed.validate_json(data)


def dump_gaps(gaps: Sequence[Gap]) -> bytes:
    """JSON array of gaps."""
    return _gaps.dump_json(tuple(gaps), exclude_defaults=True)


def load_gaps(data: bytes | str) -> tuple[Gap, ...]:
    """The inverse of `dump_gaps`."""
    return _gaps.validate_json(data)


def dump_observation(observation: Observation) -> bytes:
    """JSON of one observation."""
    return _observation.dump_json(observation, exclude_defaults=True)


def load_observation(data: bytes | str) -> Observation:
    """The inverse of `dump_observation`."""
    return _observation.validate_json(data)
