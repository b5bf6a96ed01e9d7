"""Witnesses out of observations, for the matcher."""

from __future__ import annotations

from collections.abc import Sequence

from compline.findings.known import KnownWitness, WitnessState
from compline.model import Observation


def witnesses(observations: Sequence[Observation]) -> list[KnownWitness]:
    """Numbered from 1, all of them seen at the last look."""
    return [
        KnownWitness(number, f"CMP-{number}", WitnessState.SEEN, observation)
        for number, observation in enumerate(observations, 1)
    ]
