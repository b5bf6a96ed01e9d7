"""A data pipeline through whole nights: it is judged by what its stores' looks came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compline.store.findings import FindingFilter, list_findings

HEADER = "resource,encrypted_at_rest,encrypted_in_transit,public_access\n"
GOOD, BAD = "lake,true,true,false\n", "lake,false,true,true\n"
HOP = {"dataset": "features", "store": "buckets", "direction": "write", "resource": "lake"}
PLACE = "hop/write features buckets"


def states(organisation: Any) -> dict[tuple[str, str], str]:
    """(rule, place) of the pipeline's findings to their state."""
    with organisation.session() as session:
        found = list_findings(session.store, FindingFilter(targets=("churn",)))
    return {(one.rule, one.path): one.state.value for one in found}


def test_a_store_that_gets_worse_and_better_takes_its_pipeline_along(
    organisation: Any, tmp_path: Path
) -> None:
    stores = tmp_path / "stores.csv"
    organisation.scanners = ("data-expectations", "pipeline-flows")
    organisation.sections = {
        "targets": {
            # Listed the other way round: the order of looks is that of the scanners.
            "pipelines": [{"name": "churn", "dag": "churn", "flow": {"hops": [HOP]}}],
            "data_stores": [{"name": "buckets", "kind": "inventory", "path": str(stores)}],
        }
    }
    stores.write_text(HEADER + GOOD)
    first = organisation.night().row("churn", "pipeline-flows")
    assert (first.outcome, first.observations, first.gaps) == ("completed", 0, ())

    stores.write_text(HEADER + BAD)
    organisation.night()
    rest = ("hop-unencrypted-at-rest", f"{PLACE}/rest")
    access = ("hop-open-to-others", f"{PLACE}/access")
    assert states(organisation) == {rest: "open", access: "open"}

    # A file that does not tell any more closes nothing: the last completed look stands.
    stores.write_text("resource,encrypted_at_rest\nlake,true\n")
    night = organisation.night()
    assert (
        "are gone: encrypted_in_transit, public_access"
        in night.row("buckets", "data-expectations").reason
    )
    assert states(organisation) == {rest: "open", access: "open"}

    stores.write_text(HEADER + GOOD)
    organisation.night()
    assert states(organisation) == {rest: "resolved", access: "resolved"}


def test_a_pipeline_whose_store_was_never_looked_at_has_gaps(
    organisation: Any, tmp_path: Path
) -> None:
    organisation.scanners = ("data-expectations", "pipeline-flows")
    organisation.sections = {
        "targets": {
            "data_stores": [
                {"name": "buckets", "kind": "inventory", "path": str(tmp_path / "gone.csv")}
            ],
            "pipelines": [{"name": "churn", "dag": "churn", "flow": {"hops": [HOP]}}],
        }
    }

    night = organisation.night()

    row = night.row("churn", "pipeline-flows")
    assert row.outcome == "completed"
    assert {gap.path for gap in row.gaps} == {f"{PLACE}/{a}" for a in ("transit", "rest", "access")}
    assert night.result.value == "incomplete"
