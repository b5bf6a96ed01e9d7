"""What AWS itself answers otherwise than compatible stores: account, encryption, public access."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from store_proxy import Fault, Proxy

from compline.scanners.stores.s3 import client as s3_client

FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
EVERYONE = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::open/*",
        }
    ]
}


def block(*on: str) -> Fault:
    flags = "".join(f"<{name}>{'true' if name in on else 'false'}</{name}>" for name in FLAGS)
    return Fault(
        body=f"<PublicAccessBlockConfiguration>{flags}</PublicAccessBlockConfiguration>".encode(),
        headers=(("Content-Type", "application/xml"),),
    )


def _without_account(request: Any, **_: Any) -> None:
    request.url = request.url.replace("//123456789012.", "//")


@pytest.fixture
def aws(proxy: Proxy, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Takes moto for AWS, with every service behind the proxy; gives the regions asked."""
    regions: list[str] = []

    def new_client(self: s3_client.S3Client, service: str, region: str) -> Any:
        regions.append(f"{service} {region}")
        made = self._session.client(
            service,
            region_name=region,
            endpoint_url=proxy.url,
            verify=str(certificate[0]),
            config=Config(
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": 1},
            ),
        )
        # AWS has a host for each account.
        made.meta.events.register("before-send", _without_account)
        return made

    monkeypatch.setattr(s3_client, "is_aws", lambda _endpoint: True)
    monkeypatch.setattr(s3_client.S3Client, "_new_client", new_client)
    return regions


def test_aws_encrypts_whatever_it_answers(
    aws: list[str], s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    proxy.fail("/v20180820/configuration/publicAccessBlock", block())
    s3.create_bucket(Bucket="open")
    s3.put_object(Bucket="open", Key="old", Body=b"x")

    rules = set(found(look_at_s3(account="")))

    assert ("unencrypted-at-rest", "bucket/open/encryption") not in rules
    # What lay there before is another matter.
    assert ("unencrypted-object", "bucket/open/objects") in rules
    assert ("public-access-not-blocked", "bucket/open/public-access") in rules


def test_the_accounts_block_counts_as_the_buckets(
    aws: list[str], s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="open")
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps(EVERYONE))
    proxy.fail("/v20180820/configuration/publicAccessBlock", block(*FLAGS))

    rules = set(found(look_at_s3(account="")))

    assert ("dormant-public-grant", "bucket/open/access/everyone") in rules
    assert {rule for rule, _ in rules} & {"public-read", "public-access-not-blocked"} == set()


def test_an_accounts_block_that_is_hidden_leaves_the_question_open(
    aws: list[str], s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="open")
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps(EVERYONE))
    denied = Fault(403, b"<Error><Code>AccessDenied</Code></Error>")
    proxy.fail("/v20180820/configuration/publicAccessBlock", denied)

    look = look_at_s3(account="")

    # That nobody keeps it closed is not known; that it is open counts until it is.
    assert ("public-read", "bucket/open/access/everyone") in set(found(look))
    assert [gap.path for gap in look.outcome.gaps] == ["bucket/open/public-access"]


def test_the_own_account_is_asked_for(
    aws: list[str], s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="open")
    ours = {**EVERYONE["Statement"][0], "Principal": {"AWS": ["123456789012", "999999999999"]}}
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps({"Statement": [ours]}))
    proxy.fail("/v20180820/configuration/publicAccessBlock", block())

    rules = set(found(look_at_s3(account="")))

    assert {s for r, s in rules if r == "foreign-read"} == {"bucket/open/access/999999999999"}


def test_where_aws_is_stricter_than_we_it_counts(
    aws: list[str], s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="open")
    fenced = {
        **EVERYONE["Statement"][0],
        "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
    }
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps({"Statement": [fenced]}))
    proxy.fail("/v20180820/configuration/publicAccessBlock", block())
    public = b"<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>"
    proxy.fail("/open?policyStatus", Fault(body=public))

    (one,) = (o for o in look_at_s3(account="").outcome.observations if o.rule == "public-read")

    assert "as the store itself judges it" in one.title


def test_each_bucket_is_asked_in_its_own_region(
    aws: list[str], s3: Any, look_at_s3: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="near")
    listed = (
        b"<ListAllMyBucketsResult><Buckets><Bucket><Name>near</Name>"
        b"<BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    proxy.fail("/?max-buckets", Fault(body=listed))
    proxy.fail("/v20180820/configuration/publicAccessBlock", block())

    look_at_s3(account="")

    assert "s3 eu-west-1" in aws
