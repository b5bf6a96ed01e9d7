"""Licence expressions against a policy."""

from __future__ import annotations

import pytest

from compline.scanners.trivy.licences import LicencePolicy


@pytest.mark.parametrize(
    ("expression", "forbidden"),
    [
        ("MIT", False),
        ("AGPL-3.0", True),
        ("agpl-3.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("AGPL-3.0+", True),
        ("AGPL-3.0-linking-exception", False),
        ("LGPL-3.0", False),
        ("MIT OR AGPL-3.0", False),
        ("(MIT OR AGPL-3.0-only)", False),
        ("SSPL-1.0 OR AGPL-3.0", True),
        ("MIT AND AGPL-3.0", True),
        ("MIT AND (Apache-2.0 OR AGPL-3.0)", False),
        ("(MIT AND AGPL-3.0) OR Apache-2.0", False),
        ("AGPL-3.0 WITH Some-exception", True),
        ("MIT WITH AGPL-3.0", False),
        ("GNU Affero something", False),
        ("", False),
        ("(((", False),
        ("AGPL-3.0 OR", False),
    ],
)
def test_expressions(expression: str, forbidden: bool) -> None:
    assert LicencePolicy(["AGPL-3.0", "SSPL-1.0"]).forbids(expression) is forbidden
