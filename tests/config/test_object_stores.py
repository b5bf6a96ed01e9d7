"""Object stores in compline.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, parse_config
from compline.pipeline.foresee import wrong_policies

HEAD = "organisation: a\ntargets:\n  data_stores:\n"


def mistake(entry: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(HEAD + entry, Path("compline.yaml"))
    (one,) = caught.value.mistakes
    return str(one)


def test_buckets_with_what_they_hold() -> None:
    text = (
        "    - name: lake\n      kind: s3\n      credential: env:KEY\n      buckets:\n"
        "        - {name: models, classification: model}\n"
        "        - {name: people, classification: [training, personal]}\n"
        "        - {name: rest}\n"
    )
    (store,) = parse_config(HEAD + text, Path("compline.yaml")).targets.data_stores

    settings = store.model_dump(mode="json")["buckets"]
    assert [one["classification"] for one in settings] == [["model"], ["training", "personal"], []]
    assert list(store.references()) == [("credential", "env:KEY")]


def test_the_machines_own_identity_is_no_reference() -> None:
    text = "    - {name: x, kind: gcs, project: acme-ml, credential: ambient}\n"
    (store,) = parse_config(HEAD + text, Path("compline.yaml")).targets.data_stores

    assert list(store.references()) == []
    assert store.locator == "https://storage.googleapis.com/acme-ml"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: x, kind: s3, credential: 'AKIA:hunter2'}", "a literal secret is refused here"),
        ("{name: x, kind: s3}", "credential: is required"),
        ("{name: x, kind: s4, credential: env:A}", "'s3'"),
        ("{name: x, kind: s3, credential: env:A, endpoint_url: 'https://u:hunter2@h'}", "refused"),
        ("{name: x, kind: s3, credential: env:A, bukets: []}", "did you mean 'buckets'?"),
        ("{name: x, kind: s3, credential: env:A, buckets: [{name: b, classification: Model!}]}",
         "buckets.0.classification: found 'Model!'"),
        ("{name: x, kind: gcs, credential: env:A}", "project: is required"),
        ("{name: x, kind: azure-blob, credential: env:A, account_url: h, resource_id: ''}",
         "expected a URL"),
    ],
)  # fmt: skip
def test_mistakes_have_their_line(entry: str, said: str) -> None:
    found = mistake(f"    - {entry}\n")

    assert found.startswith("compline.yaml:4: ")
    assert said in found
    assert "hunter2" not in found


def test_a_policy_that_the_suite_does_not_know() -> None:
    text = (
        "    - {name: a, kind: s3, credential: env:A, policy: {allowed_acounts: []}}\n"
        "    - {name: b, kind: gcs, project: p, credential: env:A, policy: {longest_days: x}}\n"
        "    - {name: c, kind: gcs, project: p, credential: env:A,"
        " policy: {public_access_blocked_above: true}}\n"
    )
    wrong = dict(wrong_policies(parse_config(HEAD + text, Path("compline.yaml"))))

    assert set(wrong) == {("targets", "data_stores", n, "policy") for n in (0, 1)}
    first, second = wrong.values()
    assert "did you mean 'allowed_accounts'?" in first
    assert "longest_days must be a whole number" in second
