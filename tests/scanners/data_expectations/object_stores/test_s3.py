"""S3 as moto speaks it: what is bad is found, what is good is clean, nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from store_proxy import Fault, Proxy

from compline.model import Completed, GapReason
from compline.scanners.stores.object_stores.facts import SAMPLED

FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ALL_BLOCKED = dict.fromkeys(FLAGS, True)


def tls_only(bucket: str) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def good_bucket(s3: Any, arrange: Any, proxy: Proxy, name: str = "models") -> str:
    """A bucket of which nothing bad can be said; gives its key."""
    key = arrange("kms").create_key()["KeyMetadata"]["Arn"]
    arrange("kms").enable_key_rotation(KeyId=key)
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.create_bucket(Bucket=f"{name}-logs")
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 90}},
        },
    )
    for bucket, word in ((name, "model personal"), (f"{name}-logs", "logs")):
        s3.put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [{"Key": "classification", "Value": word}]}
        )
        s3.put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": key,
                        }
                    }
                ]
            },
        )
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=ALL_BLOCKED)
        s3.put_bucket_ownership_controls(
            Bucket=bucket,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        )
        s3.put_object(Bucket=bucket, Key="a.safetensors", Body=b"x")
    delivery = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}-logs/*",
    }
    s3.put_bucket_policy(Bucket=f"{name}-logs", Policy=json.dumps({"Statement": [delivery]}))
    s3.put_bucket_logging(
        Bucket=name,
        BucketLoggingStatus={
            "LoggingEnabled": {"TargetBucket": f"{name}-logs", "TargetPrefix": ""}
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "all",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Days": 100},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                }
            ]
        },
    )
    # moto heeds no condition, and would keep us out: the policies come from the proxy.
    delivery["Condition"] = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    for bucket, more in ((name, []), (f"{name}-logs", [delivery])):
        policy = {"Version": "2012-10-17", "Statement": [tls_only(bucket), *more]}
        proxy.fail(f"/{bucket}?policy", Fault(body=json.dumps(policy).encode()))
    return str(key)


def test_a_store_that_is_kept_well(
    s3: Any, arrange: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    key = good_bucket(s3, arrange, proxy)

    look = look_at_s3(policy={"keys": [key], "longest_days": 130})

    assert found(look) == {}
    assert look.outcome.gaps == ()
    # Nothing but reading: KMS is spoken to by POST, whose action is in a header.
    assert {method for method, path in proxy.requests if path != "/"} == {"GET", "HEAD"}
    assert sum(1 for method, _ in proxy.requests if method == "POST") == 2
    # The list; ten settings and a list of objects per bucket; two for the key; few objects.
    asked = [method for method, _ in proxy.requests]
    assert len(asked) - asked.count("HEAD") == 1 + 2 * 11 + 2
    assert 2 <= asked.count("HEAD") <= 2 * SAMPLED


def test_a_store_that_is_kept_badly(s3: Any, arrange: Any, look_at_s3: Any, found: Any) -> None:
    made = arrange("kms").create_key()["KeyMetadata"]
    key = made["Arn"]
    arrange("kms").schedule_key_deletion(KeyId=made["KeyId"])
    for name in ("models", "open", "people"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_encryption(
        Bucket="people",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": key,
                    }
                }
            ]
        },
    )
    s3.put_object(Bucket="open", Key="plain", Body=b"x")
    everything = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["*", "arn:aws:iam::999999999999:root"]},
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::open/*",
            }
        ],
    }
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps(everything))
    s3.put_bucket_acl(Bucket="models", ACL="public-read")
    s3.put_bucket_acl(Bucket="open", GrantRead='id="canonical-id-of-another"')
    s3.put_public_access_block(Bucket="people", PublicAccessBlockConfiguration=ALL_BLOCKED)
    s3.put_bucket_acl(Bucket="people", ACL="authenticated-read")

    look = look_at_s3(
        buckets=[
            {"name": "models", "classification": ["model"]},
            {"name": "open", "classification": []},
            {"name": "people", "classification": ["personal"]},
        ],
        policy={"keys": ["arn:aws:kms:eu-*"]},
    )
    rules = {(rule, subject) for rule, subject in found(look)}

    assert rules >= {
        ("unclassified", "bucket/open/classification"),
        ("unencrypted-at-rest", "bucket/open/encryption"),
        ("unencrypted-at-rest", "bucket/models/encryption"),
        ("undeclared-key", "bucket/people/encryption-key"),
        ("key-not-rotated", f"key/{key}"),
        ("key-unusable", f"key/{key}"),
        ("unencrypted-object", "bucket/open/objects"),
        ("tls-not-enforced", "bucket/open/transport"),
        ("public-access-not-blocked", "bucket/open/public-access"),
        ("public-read", "bucket/open/access/everyone"),
        ("public-write", "bucket/open/access/everyone"),
        ("foreign-read", "bucket/open/access/arn:aws:iam::999999999999:root"),
        ("foreign-write", "bucket/open/access/arn:aws:iam::999999999999:root"),
        ("public-read", "bucket/models/access/everyone"),
        ("foreign-read", "bucket/open/access/canonical-id-of-another"),  # by an access list
        (
            "dormant-public-grant",
            "bucket/people/access/everyone with an account of the provider",
        ),
        ("access-lists-enabled", "bucket/models/access-lists"),
        ("unversioned", "bucket/models/versioning"),
        ("no-object-lock", "bucket/models/object-lock"),
        ("no-expiry", "bucket/people/lifecycle"),
        ("no-access-log", "bucket/models/access-log"),
    }
    assert ("public-access-not-blocked", "bucket/people/public-access") not in rules
    assert ("public-read", "bucket/people/access/everyone with an account of the provider") not in (
        rules
    )


def test_a_key_of_the_providers_for_personal_data(s3: Any, look_at_s3: Any, found: Any) -> None:
    s3.create_bucket(Bucket="people")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket="people", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="people", Key="a", Body=b"x", ServerSideEncryption="AES256")
    lifecycle = {"Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""},
                            "Expiration": {"Days": 400}}]}  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket="people", LifecycleConfiguration=lifecycle)

    look = look_at_s3(
        buckets=[{"name": "people", "classification": ["personal"]}],
        policy={"longest_days": 365},
    )

    assert {
        ("provider-key", "bucket/people/encryption"),
        ("object-with-provider-key", "bucket/people/objects"),
        ("kept-too-long", "bucket/people/lifecycle"),
    } <= set(found(look))


def test_a_bucket_that_is_not_there(s3: Any, arrange: Any, look_at_s3: Any, proxy: Proxy) -> None:
    good_bucket(s3, arrange, proxy)
    look = look_at_s3(buckets=[{"name": "models"}, {"name": "vanished"}])

    assert isinstance(look.outcome, Completed)
    assert [(g.reason, g.path) for g in look.outcome.gaps] == [
        (GapReason.MISSING_OBJECT, "bucket/vanished/")
    ]


def test_an_account_without_a_bucket_is_not_clean(s3: Any, look_at_s3: Any, error_of: Any) -> None:
    assert "shows no buckets at all" in error_of(look_at_s3())


@pytest.mark.parametrize("pages", [1, 3])
def test_lists_come_in_pages(
    s3: Any, look_at_s3: Any, found: Any, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """Of objects as many as are allowed; a cut list of buckets in one piece."""
    from compline.scanners.stores.object_stores import facts
    from compline.scanners.stores.s3 import client

    monkeypatch.setattr(client, "_PAGE", 4)
    monkeypatch.setattr(facts, "LISTED_PAGES", pages)
    for number in range(9):
        s3.create_bucket(Bucket=f"bucket{number}")
    for number in range(10):
        s3.put_object(Bucket="bucket8", Key=f"{number}", Body=b"x")

    look = look_at_s3()

    assert ("unencrypted-at-rest", "bucket/bucket8/encryption") in found(look)
    (one,) = (o for o in look.outcome.observations if o.rule == "unencrypted-object")
    assert dict(one.details)["rows"] == str(min(4 * pages, 10))


def listed(name: str, token: str = "") -> Fault:
    """A page of buckets as AWS gives it; moto knows no pages of them."""
    more = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    buckets = f"<Buckets><Bucket><Name>{name}</Name></Bucket></Buckets>"
    body = f"<ListAllMyBucketsResult>{buckets}{more}</ListAllMyBucketsResult>"
    return Fault(body=body.encode(), headers=(("Content-Type", "application/xml"),))


def test_every_page_of_buckets_is_asked_for(
    s3: Any, look_at_s3: Any, found: Any, error_of: Any, proxy: Proxy
) -> None:
    for name in ("first", "second"):
        s3.create_bucket(Bucket=name)
    proxy.fail("continuation-token=next", listed("second"), times=1)
    proxy.fail("continuation-token=next", listed("second", "next"))
    proxy.fail("/?max-buckets", listed("first", "next"))

    rules = set(found(look_at_s3()))
    assert {("unclassified", f"bucket/{n}/classification") for n in ("first", "second")} <= rules
    assert "goes in circles" in error_of(look_at_s3())
