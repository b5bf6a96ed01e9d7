"""The section `links`: what depends on what, as far as the organisation says so itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from compline.config.fields import Section
from compline.model import TargetKind

FREE_ASSETS = frozenset({"dataset", "dag", "model"})
"""Kinds of assets that need not be listed as targets; models of a registry never are."""
ASSET_KINDS = FREE_ASSETS | {kind.value for kind in TargetKind}
"""What stands before the `/` in an asset's name."""


def check_asset(asset: str) -> str:
    """The asset, if it is written as one.

    Raises:
        ValueError: it is not; the message says what was expected.
    """
    kind, _, name = asset.partition("/")
    if kind not in ASSET_KINDS or not name:
        kinds = ", ".join(sorted(ASSET_KINDS))
        raise ValueError(f"an asset is written KIND/NAME with one of {kinds}, not {asset!r}")
    return asset


Asset = Annotated[str, AfterValidator(check_asset)]


class DeclaredLink(Section):
    """What is wrong with the first reaches the second."""

    source: Asset = Field(alias="from", description="KIND/NAME, e.g. repository/fraud-model")
    destination: Asset = Field(alias="to", description="KIND/NAME, e.g. image/scoring-image")
    how: str = Field(
        "reaches", max_length=60, description="from the first to the second: `is built into`"
    )
