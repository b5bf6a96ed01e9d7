"""A recorded sample of made-up people gives the recorded counts."""

from __future__ import annotations

import json
from pathlib import Path

from compline.scanners.expectations.inventory import records
from compline.scanners.stores.content import sample
from compline.scanners.stores.content.collector import inventory_of

GOLDEN = Path(__file__).parent / "golden"
CONTENT = {
    "columns": {"email_hash": "hashed", "ssn": "encrypted", "person": "pseudonymised"},
    "least_percent": 5,
}


def test_the_recorded_sample_gives_the_recorded_frames() -> None:
    drawn = sample.of_file(GOLDEN / "people.csv", 1000)

    frames = inventory_of(drawn, CONTENT).frames

    expected = json.loads((GOLDEN / "frames.json").read_text())
    assert {name: records(frame) for name, frame in frames.items()} == expected
