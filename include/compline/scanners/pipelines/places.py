"""Where the listed data stores are, as far as their entries tell it: for comparing addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from compline.config.secrets import SecretMissing, SecretResolver
from compline.config.targets.object_stores import S3, AzureBlob, Gcs
from compline.config.targets.stores import Kafka, Postgresql, Redis, Store
from compline.scanners.pipelines.deployment import address_of

_PORTS = {"postgresql": "5432", "redis": "6379", "kafka": "9092"}


def wanted_addresses(
    flow: Mapping[str, Any], stores: Mapping[str, Store], secrets: SecretResolver
) -> dict[str, str]:
    """By connection the addresses (parted by commas) of the store that its hop names.

    A store whose address its entry does not tell, or whose secret is not here, is left out.
    """
    found = {}
    for hop in flow["hops"]:
        name, entry = hop.get("connection"), stores.get(hop["store"])
        if name and entry is not None:
            addresses = _of(entry, secrets)
            if addresses:
                found[name] = addresses
    return found


def _of(entry: Store, secrets: SecretResolver) -> str:
    if isinstance(entry, Postgresql | Redis | Kafka):
        try:
            return hosts_of(secrets.resolve(entry.url), _PORTS[entry.kind])
        except SecretMissing:
            return ""
    if isinstance(entry, S3 | Gcs):
        return address_of(entry.endpoint_url or "")
    return address_of(entry.account_url) if isinstance(entry, AzureBlob) else ""


def hosts_of(url: str, port: str) -> str:
    """The hosts of a connection URL, which may name several; nothing else of it is kept.

    Args:
        url: with its credential.
        port: what counts where the URL names none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its text repeats the part that it does not understand
        return ""
    hosts = parts.netloc.rpartition("@")[2].split(",")
    named = parse_qs(parts.query).get("host")
    if named:  # libpq takes it before the authority; a folder is a socket on the same machine
        hosts = ["localhost" if one.startswith("/") else one for one in named[0].split(",")]
    found = []
    for one in hosts:
        address = address_of(one) if one else ""
        bare = address and (":" not in address or address.endswith("]"))
        found.append(f"{address}:{port}" if bare else address)
    return ",".join(filter(None, found))
