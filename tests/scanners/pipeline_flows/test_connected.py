"""Where a DAG's connections lead, against where the listed stores are; and our own Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flows import DAG, FLOW, found, gaps

from compline.config.secrets import SecretResolver
from compline.config.targets import Targets
from compline.model import Failed
from compline.scanners.pipelines.connected import Lead, Used, connection_rows
from compline.scanners.pipelines.dag_source import Connections
from compline.scanners.pipelines.places import hosts_of, wanted_addresses

HOP = {"connection": "c", "store": "s"}


@pytest.mark.parametrize(
    ("address", "wanted", "elsewhere"),
    [
        ("db.example.org:5432", "DB.example.org.:5432", False),
        ("db.example.org", "db.example.org:5432", False),
        ("db.example.org:5433", "db.example.org:5432", True),
        ("b2:9092", "b1:9092,b2:9092", False),
        ("127.0.0.1:6379", "localhost:6379", False),
        ("[::1]:6379", "127.0.0.1:6379", False),
        ("[2001:db8::1]:1", "[2001:db8::2]:1", True),
        ("evil-db.example.org", "db.example.org", True),
    ],
)
def test_addresses_are_compared(address: str, wanted: str, elsewhere: bool) -> None:
    used = Used(
        Connections(frozenset("c"), ()), "a", {"c": Lead("x", "tls", address)}, {"c": wanted}
    )
    (row,), unsaid = connection_rows({"hops": [HOP]}, used, ())
    assert (row["elsewhere"], unsaid) == (elsewhere, [])


@pytest.mark.parametrize(
    ("lead", "wanted", "place"),
    [
        (Lead("aws", "tls", ""), {"c": "x"}, "connection/c/address"),
        (Lead("aws", "tls", "x"), {}, "connection/c/address"),
        (Lead("odd", "unknown", "x"), {"c": "x"}, "connection/c/transport"),
        (Lead("", "none", "x"), {"c": "x"}, "connection/c/transport"),
    ],
)
def test_what_a_connection_does_not_tell_is_a_gap(lead: Lead, wanted: Any, place: str) -> None:
    used = Used(Connections(frozenset("c"), ()), "a", {"c": lead}, wanted)
    (row,), unsaid = connection_rows({"hops": [HOP]}, used, ())
    assert [gap.path for gap in unsaid] == [place]
    assert not row["elsewhere"]
    assert not row["in_clear"]


@pytest.mark.parametrize(
    ("url", "port", "hosts"),
    [
        ("postgresql://u:p@db.example.org/crm", "5432", "db.example.org:5432"),
        ("postgresql://u:p@a:5433,b/crm", "5432", "a:5433,b:5432"),
        ("postgresql:///crm?host=/run/postgresql", "5432", "localhost:5432"),
        ("kafkas://u:p@b1:9092,b2:9093", "9092", "b1:9092,b2:9093"),
        ("rediss://:p@[2001:db8::1]", "6379", "[2001:db8::1]:6379"),
        ("postgresql://u:p@[x", "5432", ""),
    ],
)
def test_hosts_of_a_connection_url(url: str, port: str, hosts: str) -> None:
    assert hosts_of(url, port) == hosts


def test_addresses_of_listed_stores() -> None:
    stores = {
        "pg": {"kind": "postgresql", "url": "env:PG"},
        "away": {"kind": "redis", "url": "env:AWAY"},
        "s3": {
            "kind": "s3",
            "credential": "ambient",
            "endpoint_url": "https://s3.example.org:9000",
        },
        "aws": {"kind": "s3", "credential": "ambient"},
        "blob": {"kind": "azure-blob", "credential": "ambient", "account_url": "https://a.example"},
        "file": {"kind": "inventory", "path": "x.csv"},
    }
    entries = {
        one.name: one
        for one in Targets.model_validate(
            {"data_stores": [{"name": name, **entry} for name, entry in stores.items()]}
        ).data_stores
    }
    hops = [{"connection": name, "store": name} for name in [*stores, "unlisted"]]
    secrets = SecretResolver({"PG": "postgresql://u:p@db.example.org/crm"})
    assert wanted_addresses({"hops": hops}, entries, secrets) == {
        "pg": "db.example.org:5432",
        "s3": "s3.example.org:9000",
        "blob": "a.example",
    }


class Own:
    """The deployment that runs us."""

    def __init__(self, dags: Path) -> None:
        self.dags = dags

    def setting(self, section: str, option: str) -> str | None:
        return str(self.dags) if (section, option) == ("core", "dags_folder") else None


HERE = {"name": "ours", "here": True}


def test_our_own_airflow_shows_the_source_and_not_the_connections(
    look_at: Any, tmp_path: Path
) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "other.py").write_text("# not churn\n")
    (dags / "churn.py").write_text(DAG)
    look = look_at(airflow=HERE, own=Own(dags), flow={**FLOW, "connections": []})
    assert found(look) == {("undeclared-connection", "connection/warehouse")}
    assert "no `url` and `credential`" in gaps(look)["connection/"]

    (dags / "churn.py").unlink()
    look = look_at(airflow=HERE, own=Own(dags))
    assert found(look) == set()
    assert any("no file of the DAGs folder names" in gap.detail for gap in look.outcome.gaps)


def test_our_own_airflow_is_seen_by_its_own_runs_only(look_at: Any) -> None:
    outcome = look_at(airflow=HERE).outcome
    assert isinstance(outcome, Failed)
    assert "only a run by Airflow sees its own deployment" in outcome.error
