"""Azure Blob Storage against azurite; Azure Resource Manager by recorded answers.

Azurite has no management plane, no immutability policies and no encryption scopes. What stands for
those are resources as the REST API of Microsoft.Storage (2023-05-01) documents them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import (
    AccessPolicy,
    BlobAnalyticsLogging,
    BlobServiceClient,
    ContainerSasPermissions,
)
from store_proxy import Fault, Proxy

from compline.model import GapReason
from compline.scanners.stores.azure_blob import client

VAULT = {"keyvaulturi": "https://vault.example/", "keyname": "models", "keyversion": ""}
GOOD_ACCOUNT = {
    "supportsHttpsTrafficOnly": True,
    "minimumTlsVersion": "TLS1_2",
    "allowBlobPublicAccess": False,
    "allowSharedKeyAccess": False,
    "networkAcls": {"defaultAction": "Deny"},
    "encryption": {"keySource": "Microsoft.Keyvault", "keyvaultproperties": VAULT},
}
RULE = {
    "enabled": True,
    "definition": {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["models/"]},
        "actions": {
            "baseBlob": {"delete": {"daysAfterModificationGreaterThan": 90}},
            "version": {"delete": {"daysAfterCreationGreaterThan": 30}},
        },
    },
}
LISTED = b"""<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults><Containers><Container><Name>models</Name><Properties>
<Last-Modified>Mon, 05 Jan 2026 00:00:00 GMT</Last-Modified><Etag>"1"</Etag>
<HasImmutabilityPolicy>true</HasImmutabilityPolicy>
<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>
</Properties><Metadata><classification>model personal</classification></Metadata></Container>
</Containers><NextMarker /></EnumerationResults>"""


@pytest.fixture
def managed(reading_proxy: Proxy, answer_json: Callable[..., Fault]) -> Callable[..., None]:
    """A Resource Manager of recorded answers; the arguments change a good account."""

    def put(
        *, versioned: bool = True, rules: Any = (RULE,), scopes: Any = (), **account: Any
    ) -> None:
        answers = {
            "/blobServices/": {"properties": {"isVersioningEnabled": versioned}},
            "/managementPolicies/": {"properties": {"policy": {"rules": list(rules)}}},
            "/encryptionScopes": {"value": list(scopes)},
            "/storageAccounts/": {"properties": {**GOOD_ACCOUNT, **account}},
        }
        for part, answer in answers.items():
            reading_proxy.fail(part, answer_json(answer))

    return put


def test_an_account_that_is_kept_well(
    blobs: BlobServiceClient,
    managed: Any,
    reading_proxy: Proxy,
    look_as_application: Any,
    found: Any,
) -> None:
    blobs.create_container("models")
    blobs.get_blob_client("models", "weights").upload_blob(b"x")
    managed()
    xml = (("Content-Type", "application/xml"),)
    reading_proxy.fail("devstoreaccount1?comp=list", Fault(200, LISTED, xml))
    reading_proxy.fail("devstoreaccount1/?comp=list", Fault(200, LISTED, xml))

    look = look_as_application(
        policy={"keys": ["https://vault.example/keys/*"], "access_logged_elsewhere": True,
                "longest_days": 120},
    )  # fmt: skip

    assert found(look) == {}
    # An account's signature does not reach to access policies, nor do roles of Entra ID.
    assert [(g.reason, g.path) for g in look.outcome.gaps] == [
        (GapReason.FORBIDDEN, "bucket/models/access-policy/")
    ]
    # Service, containers, one access policy, one list of blobs, four of Resource Manager.
    assert len(reading_proxy.requests) == 8
    assert {method for method, _ in reading_proxy.requests} == {"GET"}


def test_an_account_that_is_kept_badly(
    blobs: BlobServiceClient, managed: Any, look_as_application: Any, found: Any
) -> None:
    blobs.create_container("models", metadata={"classification": "model"})
    blobs.create_container("people", public_access="container")
    logging = BlobAnalyticsLogging(read=False, write=True, delete=True)
    blobs.set_service_properties(analytics_logging=logging)
    blobs.create_container("unnamed")
    managed(
        versioned=False,
        rules=(),
        supportsHttpsTrafficOnly=False,
        allowBlobPublicAccess=True,
        allowSharedKeyAccess=None,
        networkAcls={},
        encryption={"keySource": "Microsoft.Storage"},
    )
    look = look_as_application(
        buckets=[
            {"name": "models", "classification": []},
            {"name": "people", "classification": ["personal"]},
            {"name": "unnamed"},
        ]
    )
    account = "account/devstoreaccount1"

    assert set(found(look)) >= {
        ("unclassified", "bucket/unnamed/classification"),
        ("tls-not-enforced", f"{account}/transport"),
        ("public-access-not-blocked", f"{account}/public-access"),
        ("open-to-all-networks", f"{account}/network"),
        ("shared-key-access", f"{account}/shared-key"),
        ("no-access-log", f"{account}/access-log"),
        ("provider-key", "bucket/models/encryption"),
        ("public-read", "bucket/people/access/everyone"),
        ("unversioned", "bucket/models/versioning"),
        ("no-object-lock", "bucket/models/object-lock"),
        ("no-expiry", "bucket/people/lifecycle"),
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"minimumTlsVersion": "TLS1_1"}, "tls-not-enforced"),
        ({"publicNetworkAccess": "Disabled", "networkAcls": {}}, ""),
        ({"encryption": {"keySource": "Microsoft.Keyvault",
                         "keyvaultproperties": {**VAULT, "keyversion": "1"}}}, "key-not-rotated"),
        ({"rules": [{**RULE, "enabled": False}]}, "no-expiry"),
        ({"versioned": False, "rules": []}, "no-expiry"),
    ],
)  # fmt: skip
def test_one_setting_at_a_time(
    blobs: BlobServiceClient,
    managed: Any,
    look_as_application: Any,
    found: Any,
    change: Any,
    rule: str,
) -> None:
    blobs.create_container("models")
    managed(**change)
    look = look_as_application(
        buckets=[{"name": "models", "classification": ["personal"]}],
        policy={"access_logged_elsewhere": True},
    )

    assert {found_rule for found_rule, _ in found(look)} == ({rule} if rule else set())


def test_keys_and_ages_against_the_policy(
    blobs: BlobServiceClient, managed: Any, look_as_application: Any, found: Any
) -> None:
    blobs.create_container("models")
    managed()
    look = look_as_application(
        buckets=[{"name": "models", "classification": ["personal"]}],
        policy={
            "access_logged_elsewhere": True,
            "keys": ["https://another.example/*"],
            "longest_days": 100,
        },
    )

    assert set(found(look)) == {
        ("undeclared-key", "bucket/models/encryption-key"),
        ("kept-too-long", "bucket/models/lifecycle"),
    }


def test_a_blob_of_before_there_was_encryption(
    blobs: BlobServiceClient, look_at_azure: Any, found: Any, azure_proxy: Proxy
) -> None:
    """Azurite encrypts what it keeps, as Azure does since 2017: an answer as documented."""
    blobs.create_container("open")
    listed = (
        b"<EnumerationResults><Blobs><Blob><Name>old</Name><Properties>"
        b"<Last-Modified>Mon, 05 Jan 2015 00:00:00 GMT</Last-Modified><Etag>1</Etag>"
        b"<BlobType>BlockBlob</BlobType><ServerEncrypted>false</ServerEncrypted></Properties></Blob></Blobs><NextMarker/>"
        b"</EnumerationResults>"
    )
    fault = Fault(200, listed, (("Content-Type", "application/xml"),))
    azure_proxy.fail("restype=container&comp=list", fault)

    assert ("unencrypted-object", "bucket/open/objects") in found(look_at_azure())


def test_containers_and_blobs_come_in_pages(
    blobs: BlobServiceClient,
    look_at_azure: Any,
    found: Any,
    azure_proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_PAGE", 2)
    for number in range(5):
        blobs.create_container(f"box{number}")
    for number in range(3):
        blobs.get_blob_client("box4", f"{number}").upload_blob(b"x")

    places = {place for rule, place in found(look_at_azure()) if rule == "unclassified"}

    assert places == {f"bucket/box{number}/classification" for number in range(5)}
    lists = [path for _, path in azure_proxy.requests if "comp=list" in path]
    assert sum("box" not in path.partition("?")[0] for path in lists) == 3
    assert sum("/box4?" in path for path in lists) == 2


def test_without_resource_manager(
    blobs: BlobServiceClient, look_at_azure: Any, found: Any, azure_proxy: Proxy
) -> None:
    """A connection string tells of containers and blobs; the rest is gaps, never clean."""
    ends = datetime.now(UTC) + timedelta(days=30)
    policies = {
        "short": AccessPolicy(permission=ContainerSasPermissions(read=True), expiry=ends),
        "forever": AccessPolicy(permission=ContainerSasPermissions(write=True)),
    }
    blobs.create_container("open", public_access="blob")
    blobs.get_container_client("open").set_container_access_policy(policies, public_access="blob")  # type: ignore[arg-type]
    blobs.get_blob_client("open", "weights").upload_blob(b"x")

    look = look_at_azure(policy={"longest_policy_days": 36_500})
    rules = set(found(look))

    assert ("public-read", "bucket/open/access/everyone") in rules
    assert ("long-lived-access-policy", "bucket/open/access-policy/forever") in rules
    assert ("long-lived-access-policy", "bucket/open/access-policy/short") not in rules
    gaps = {gap.path for gap in look.outcome.gaps if gap.reason == GapReason.UNSUPPORTED}
    account = "account/devstoreaccount1"
    assert gaps == {
        *(f"{account}/{p}" for p in ("transport", "public-access", "network", "shared-key")),
        *(f"bucket/open/{p}" for p in ("encryption", "versioning", "lifecycle")),
    }
    assert {method for method, _ in azure_proxy.requests} == {"GET"}


def test_a_connection_string_of_another_account(look_at_azure: Any, error_of: Any) -> None:
    look = look_at_azure(account_url="https://another.blob.core.windows.net")

    assert "for another account than account_url" in error_of(look)


def test_a_connection_without_tls(
    blobs: BlobServiceClient,
    azurite: str,
    look_at: Any,
    found: Any,
    connect: Any,
    elsewhere: Callable[[str], str],
) -> None:
    blobs.create_container("first")
    rules = []
    for url in (elsewhere(azurite), azurite):
        look = look_at(
            url=connect(url),
            kind="azure-blob",
            credential="env:STORE_URL",
            account_url=f"{url}/devstoreaccount1",
        )
        rules.append({rule for rule, _ in found(look)})

    assert "connection-without-tls" in rules[0]
    assert "connection-without-tls" not in rules[1]
