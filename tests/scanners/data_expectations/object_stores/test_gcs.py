"""Google Cloud Storage: its emulator where that knows a setting, else recorded answers.

fake-gcs-server 1.52 keeps versioning and objects only: no IAM policies, no public access
prevention, no keys, no lifecycle. What stands for those here are resources as the JSON API of
Cloud Storage documents them, sent through the real client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from store_proxy import Fault, Proxy

from compline.model import GapReason

KEY = "projects/our-project/locations/eu/keyRings/ring/cryptoKeys/models"


def bucket(name: str = "models", **more: Any) -> dict[str, Any]:
    """A bucket of which nothing bad can be said, if it has a model in it."""
    return {
        "kind": "storage#bucket",
        "name": name,
        "projectNumber": "42",
        "labels": {"classification": "model"},
        "iamConfiguration": {
            "publicAccessPrevention": "enforced",
            "uniformBucketLevelAccess": {"enabled": True},
        },
        "encryption": {"defaultKmsKeyName": KEY},
        "versioning": {"enabled": True},
        "retentionPolicy": {"retentionPeriod": "7776000", "isLocked": True},
        "logging": {"logBucket": "logs"},
        **more,
    }


@pytest.fixture
def recorded(gcs_proxy: Proxy, answer_json: Callable[..., Fault]) -> Callable[..., None]:
    """Puts recorded answers in the emulator's place."""

    def put(
        *buckets: dict[str, Any], bindings: Any = (), objects: Any = (), key: Any = None
    ) -> None:
        gcs_proxy.fail(
            "/iam", answer_json({"version": 3, "etag": "CAE=", "bindings": list(bindings)})
        )
        gcs_proxy.fail("/o?", answer_json({"kind": "storage#objects", "items": list(objects)}))
        good = {"primary": {"state": "ENABLED"}, "rotationPeriod": "7776000s"}
        gcs_proxy.fail("/v1/projects/", answer_json(key or good))
        gcs_proxy.fail(
            "/storage/v1/b?", answer_json({"kind": "storage#buckets", "items": list(buckets)})
        )

    return put


def test_a_store_that_is_kept_well(
    recorded: Any, look_at_gcs: Any, found: Any, gcs_proxy: Proxy
) -> None:
    recorded(
        bucket(),
        bindings=[
            {"role": "roles/storage.legacyBucketOwner", "members": ["projectOwner:our-project"]},
            {"role": "roles/storage.objectAdmin",
             "members": ["serviceAccount:train@our-project.iam.gserviceaccount.com"]},
            {"role": "roles/storage.objectViewer", "members": ["group:ml@example.org"]},
        ],
        objects=[{"name": "m", "kmsKeyName": f"{KEY}/cryptoKeyVersions/1"}],
    )  # fmt: skip

    look = look_at_gcs(policy={"keys": [KEY], "allowed_accounts": ["group:*@example.org"]})

    assert found(look) == {}
    assert look.outcome.gaps == ()
    assert {m for m, path in gcs_proxy.requests if not path.startswith("/token")} == {"GET"}
    # The list, the bucket's policy and objects, the key.
    assert sum(1 for _, path in gcs_proxy.requests if not path.startswith("/token")) == 4


def test_a_store_that_is_kept_badly(recorded: Any, look_at_gcs: Any, found: Any) -> None:
    loose = {"publicAccessPrevention": "inherited", "uniformBucketLevelAccess": {}}
    recorded(
        bucket(retentionPolicy={}, versioning={}, logging={}, iamConfiguration=loose),
        bucket("people", labels={"classification": "personal"}, encryption={}),
        bucket("unnamed", labels={}),
        bindings=[
            {"role": "roles/storage.objectViewer", "members": ["allUsers"]},
            {"role": "roles/storage.admin",
             "members": ["allAuthenticatedUsers", "user:x@elsewhere.example"]},
        ],
        objects=[{"name": "m"}],
        key={"primary": {"state": "DISABLED"}},
    )  # fmt: skip
    look = look_at_gcs(policy={"keys": []})
    anybody = "everyone with an account of the provider"

    assert set(found(look)) >= {
        ("unclassified", "bucket/unnamed/classification"),
        ("provider-key", "bucket/people/encryption"),
        ("object-with-provider-key", "bucket/people/objects"),
        ("undeclared-key", "bucket/models/encryption-key"),
        ("key-not-rotated", f"key/{KEY}"),
        ("key-unusable", f"key/{KEY}"),
        ("public-access-not-blocked", "bucket/models/public-access"),
        ("public-read", "bucket/models/access/everyone"),
        ("public-write", f"bucket/models/access/{anybody}"),
        ("dormant-public-grant", "bucket/people/access/everyone"),
        ("foreign-read", "bucket/models/access/user:x@elsewhere.example"),
        ("foreign-write", "bucket/models/access/user:x@elsewhere.example"),
        ("access-lists-enabled", "bucket/models/access-lists"),
        ("unversioned", "bucket/models/versioning"),
        ("no-object-lock", "bucket/models/object-lock"),
        ("no-access-log", "bucket/models/access-log"),
        ("no-expiry", "bucket/people/lifecycle"),
    }
    assert ("public-read", "bucket/people/access/everyone") not in found(look)


LIFECYCLES: list[tuple[bool, list[dict[str, Any]], int | None]] = [
    (False, [{"age": 30}], 30),
    (True, [{"age": 30}], 30),
    (False, [{"age": 30, "isLive": True}], 30),
    (True, [{"age": 30, "isLive": True}], None),
    (True, [{"age": 30, "isLive": True}, {"daysSinceNoncurrentTime": 5}], 35),
    (False, [{"age": 30, "matchesPrefix": ["tmp/"]}], None),
    (True, [{"daysSinceNoncurrentTime": 5}], None),
    (True, [{"numNewerVersions": 5}], None),
]


def test_what_a_lifecycle_really_deletes(recorded: Any, look_at_gcs: Any) -> None:
    recorded(
        *(
            bucket(
                f"bucket{number}",
                labels={"classification": "personal"},
                versioning={"enabled": versioned},
                lifecycle={"rule": [{"action": {"type": "Delete"}, "condition": c} for c in rules]},
            )
            for number, (versioned, rules, _) in enumerate(LIFECYCLES)
        )
    )
    told = {
        (o.subject, o.rule): o.title
        for o in look_at_gcs(policy={"longest_days": 10}).outcome.observations
        if o.subject.endswith("/lifecycle")
    }

    assert len(told) == len(LIFECYCLES)
    for number, (_, _, days) in enumerate(LIFECYCLES):
        rule = "no-expiry" if days is None else "kept-too-long"
        title = told[f"bucket/bucket{number}/lifecycle", rule]
        assert days is None or f"for {days} days" in title

    enough = {o.subject for o in look_at_gcs(policy={"longest_days": 35}).outcome.observations}
    short = {f"bucket/bucket{n}/lifecycle" for n, (*_, days) in enumerate(LIFECYCLES) if days}
    assert len(short) == 4
    assert not enough & short, "deleted in time"


def test_the_emulator_itself(fake_gcs: str, look_at_gcs: Any, found: Any) -> None:
    """What it does not know is a gap for that question, never a finding or nothing."""
    client = storage.Client(
        "our-project", AnonymousCredentials(), client_options={"api_endpoint": fake_gcs}
    )
    made = client.bucket("emulated")
    made.versioning_enabled = True
    client.create_bucket(made)
    made.blob("weights").upload_from_string("x")

    look = look_at_gcs(buckets=[{"name": "emulated", "classification": ["model"]}])
    rules = set(found(look))

    assert ("unversioned", "bucket/emulated/versioning") not in rules
    assert ("no-object-lock", "bucket/emulated/object-lock") in rules
    assert ("object-with-provider-key", "bucket/emulated/objects") in rules
    assert {(g.path, g.reason) for g in look.outcome.gaps} == {
        ("bucket/emulated/public-access", GapReason.UNSUPPORTED),
        ("bucket/emulated/access-lists", GapReason.UNSUPPORTED),
        ("bucket/emulated/access/", GapReason.MISSING_OBJECT),
    }


def test_buckets_come_in_pages(
    gcs_proxy: Proxy, answer_json: Any, look_at_gcs: Any, found: Any
) -> None:
    gcs_proxy.fail(
        "pageToken=next", answer_json({"kind": "k", "items": [bucket("second", labels={})]})
    )
    first = {"kind": "k", "items": [bucket("first", labels={})], "nextPageToken": "next"}
    gcs_proxy.fail("/storage/v1/b?", answer_json(first))

    subjects = {subject for rule, subject in found(look_at_gcs()) if rule == "unclassified"}

    assert subjects == {"bucket/first/classification", "bucket/second/classification"}
