"""Declared data flows against how their stores stand: recorded, odd, and unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flows import CLEAN, DAG, FLOW, HOP, NOW, clean, found

from compline.model import Failed, Gap, GapReason
from compline.scanners.expectations.inventory import records
from compline.scanners.pipelines.collector import recorded
from compline.store.standing import Defect

GOLDEN = Path(__file__).parent / "golden"


def test_a_recorded_flow_gives_the_recorded_frames() -> None:
    answers: Any = json.loads((GOLDEN / "flow.json").read_text())
    inventory = recorded(answers, None)  # type: ignore[arg-type]

    expected = json.loads((GOLDEN / "frames.json").read_text())
    assert {name: records(frame) for name, frame in inventory.frames.items()} == expected


def test_a_flow_in_order_is_clean(look_at: Any) -> None:
    assert clean(look_at())


HOP_NAME = "hop/read customers warehouse"


@pytest.mark.parametrize(
    ("defect", "rule"),
    [
        (("tls-disabled", "setting/ssl", "CWE-319"), "hop-in-clear/transit"),
        (("unencrypted-at-rest", "attestation/disk", "CWE-311"), "hop-unencrypted-at-rest/rest"),
        (
            ("public-table-read", "table/crm.customers/PUBLIC", "CWE-732"),
            "hop-open-to-others/access",
        ),
        (("account-powers", "account/etl", "CWE-250"), "hop-open-to-others/access"),
        (("trust-authentication", "hba/host all", "CWE-306"), "hop-open-to-others/access"),
        (("public-table-read", "table/crm.other/PUBLIC", "CWE-732"), ""),
        (("public-table-read", "table/crm.customers_old/PUBLIC", "CWE-732"), ""),
        (("role-without-expiry", "role/etl", "CWE-262"), ""),
    ],
)
def test_a_defect_of_the_store_breaks_the_hop_that_it_concerns(
    look_at: Any, defect: tuple[str, str, str], rule: str
) -> None:
    name, subject, cwe = defect

    look = look_at(replace(CLEAN, defects=(Defect(name, subject, (cwe,), ""),)))

    wanted, _, aspect = rule.partition("/")
    assert found(look) == ({(wanted, f"{HOP_NAME}/{aspect}")} if rule else set())


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (None, "no completed look yet"),
        (replace(CLEAN, looked_at=None), "no completed look yet"),
        (replace(CLEAN, looked_at=NOW - timedelta(hours=37)), "its last completed look is of 2025"),
        (replace(CLEAN, gaps=(Gap(GapReason.FORBIDDEN, detail="no"),)), "see all of it: no"),
    ],
)
def test_what_nobody_knows_is_a_gap_and_not_in_order(
    look_at: Any, standing: Any, said: str
) -> None:
    look = look_at(standing)

    assert found(look) == set()
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.NOT_REPORTED, f"{HOP_NAME}/{aspect}") for aspect in ("transit", "rest", "access")
    ]
    assert said in look.outcome.gaps[0].detail


def test_declarations_that_do_not_agree(look_at: Any) -> None:
    hops = [{**HOP, "classification": "internal", "account": "other"}, {**HOP, "store": "gone"}]

    look = look_at(flow={"hops": hops, "connections": ["warehouse", "lake"]})

    assert found(look) == {
        ("classification-differs", "declaration/read customers warehouse/classification"),
        ("account-not-checked", "declaration/read customers warehouse/account"),
        ("hop-to-unknown-store", "declaration/read customers gone/store"),
        ("connection-without-use", "connection/lake"),
    }
    assert {gap.path for gap in look.outcome.gaps} >= {"hop/read customers gone/transit"}


def test_connections_of_the_dag(look_at: Any) -> None:
    source = (
        DAG
        + """
    hook = BaseHook.get_connection("secret_store")
    S3Hook(aws_conn_id=f"lake_{env}")
    GCSHook(gcp_conn_id=None)
    args = {"default_args": {"ssh_conn_id": "bastion"}}
    Connection.get("mart")
    BashOperator(task_id="b", bash_command="psql {{ conn.reports.get_uri() }}")
    PostgresHook("which argument is this")
"""
    )
    look = look_at(source=source)

    assert found(look) == {
        ("undeclared-connection", "connection/secret_store"),
        ("undeclared-connection", "connection/bastion"),
        ("undeclared-connection", "connection/mart"),
        ("undeclared-connection", "connection/reports"),
    }
    (gap,) = look.outcome.gaps
    assert (gap.reason, gap.path) == (GapReason.UNPARSED, "connection/")
    assert gap.detail.endswith("lines 7, 12")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "with DAG(:"}, "it is no Python"),
        ({"source": "x = 1"}, "does not name the DAG churn"),
        ({"dag_file": "/gone.py"}, "/gone.py: cannot be read"),
        ({"flow": None}, "needs either `flow:` or `flow_file:`"),
        ({"flow": None, "flow_file": "/gone.yaml"}, "/gone.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_read_is_failed(look_at: Any, given: Any, said: str) -> None:
    outcome = look_at(**given).outcome
    assert isinstance(outcome, Failed)
    assert said in outcome.error


def test_a_flow_in_a_file_of_the_repository(look_at: Any, tmp_path: Path) -> None:
    file = tmp_path / "compline-pipeline.yaml"
    file.write_text(json.dumps(FLOW))
    assert clean(look_at(flow=None, flow_file=str(file)))

    file.write_text("hops:\n  - {dataset: a, store: b, direction: up}\n")
    wrong = look_at(flow=None, flow_file=str(file)).outcome
    assert isinstance(wrong, Failed)
    assert "hops.0.direction" in wrong.error
