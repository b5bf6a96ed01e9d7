"""Data stores and pipelines in compline.yaml: what is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, parse_config
from compline.pipeline.foresee import wrong_policies

STORES = "organisation: a\ntargets:\n  data_stores:\n"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: d, kind: oracle, url: env:X}", "'kafka'"),
        ("{name: d, url: env:X}", "kind"),
        ("{name: d, kind: redis, url: 'redis://u:hunter2@h'}", "4"),
        ("{name: d, kind: kafka, url: env:X, content: {}}", "content"),
        ("{name: d, kind: dataset, path: a.csv, content: {columns: {a: secret}}}", "encrypted"),
        ("{name: d, kind: postgresql, url: env:X, content: {rows: 1}}", "rows"),
    ],
)
def test_a_store_that_is_wrong(entry: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"{STORES}    - {entry}\n", tmp_path / "compline.yaml")
    assert "compline.yaml:4" in str(caught.value)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_pipeline_needs_one_declaration(tmp_path: Path) -> None:
    text = "organisation: a\ntargets:\n  pipelines:\n    - {name: p, dag: d}\n"
    with pytest.raises(ConfigError, match="give either `flow` or `flow_file`") as caught:
        parse_config(text, tmp_path / "compline.yaml")
    assert "compline.yaml:4" in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: d, kind: redis, url: env:X, policy: {user: []}}", "did you mean 'users'?"),
        ("{name: d, kind: kafka, url: env:X, policy: {labels: [a]}}", "labels must be {pattern"),
        (
            "{name: d, kind: postgresql, url: env:X, policy: {attested: {disk: {by: a}}}}",
            "attested must be",
        ),
    ],
)
def test_policies_are_foreseen(entry: str, message: str, tmp_path: Path) -> None:
    config = parse_config(f"{STORES}    - {entry}\n", tmp_path / "compline.yaml")

    ((where, said),) = wrong_policies(config)

    assert where == ("targets", "data_stores", 0, "policy")
    assert message in said


def test_an_attestation_as_people_write_it(tmp_path: Path) -> None:
    """YAML 1.1 reads the bare key `on` as true; here it is the day of the attestation."""
    policy = "{attested: {disk: {encrypted: true, by: ann, on: 2026-01-31}}}"
    entry = f"    - {{name: d, kind: postgresql, url: env:X, policy: {policy}}}\n"

    config = parse_config(STORES + entry, tmp_path / "compline.yaml")

    (store,) = config.targets.data_stores
    assert store.model_dump(mode="json")["policy"] == {
        "attested": {"disk": {"encrypted": True, "by": "ann", "on": "2026-01-31"}}
    }
    assert list(wrong_policies(config)) == []
