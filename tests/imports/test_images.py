"""Reports on images: trivy's own JSON, recorded from the real tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.trivy.image_canary import write_canary_image

GOLDEN = Path(__file__).parents[1] / "scanners" / "trivy_image" / "golden" / "image.json"


@pytest.fixture
def image(shop: Any) -> Any:
    write_canary_image(shop.home / "image.tar")
    return shop


def test_a_report_on_an_image(image: Any) -> None:
    document = json.loads(GOLDEN.read_text())
    taken = image.take("trivy", document, target="image", complete=True)
    assert (taken.row.scanner, taken.row.outcome) == ("import:trivy", "completed"), taken.row.reason
    assert taken.row.revision.startswith("sha256:")
    found = image.open()
    assert taken.row.observations >= len(found) > 3
    assert {one.target for one in found.values()} == {"image"}
    again = image.take("trivy", document, target="image", complete=True)
    assert again.row.observations == taken.row.observations
    assert image.open().keys() == found.keys()


def test_another_digest_is_a_run_of_its_own(image: Any) -> None:
    taken = image.take(
        "trivy", GOLDEN.read_bytes(), target="image", revision="sha256:" + "0" * 64, complete=True
    )
    assert taken.row.result == "adhoc"
    assert image.open() == {}
