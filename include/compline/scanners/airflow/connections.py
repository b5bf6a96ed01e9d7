"""How connections and variables are kept, read from what the REST API shows of them. Pure.

Airflow masks what it takes for secret by the name of the key; what it shows in the clear is judged
here by names and shapes, and never goes further.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compline.scanners.airflow.settings import is_loopback
from compline.scanners.expectations.inventory import CannotCollect

_MASK = "***"
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?(?![a-z])|secret|token|credential|private_?key|api_?key|access_?key"
    r"|auth_?header|authorization|bearer|dsn|connection_?string|keyfile|webhook_?url",
    re.IGNORECASE,
)
_SECRET_SHAPE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|\bxox[abprs]-[\w-]{10,}|\bglpat-[\w-]{20}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bhf_[A-Za-z0-9]{30,}"
)
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:(?P<password>[^\s/@]+)@", re.IGNORECASE)
_NAMES_OF_PLACES = re.compile(r"_(path|file|id|name|backend|provider|type)$", re.IGNORECASE)
"""`secret_name`, `key_path`: where a secret is, not what it is."""

_TLS_ALWAYS = frozenset(
    {
        "aws", "google_cloud_platform", "gcpbigquery", "gcpcloudsql", "azure", "azure_data_lake",
        "azure_data_factory", "adls", "snowflake", "databricks", "slack", "slackwebhook", "sftp",
        "ssh", "git", "sagemaker", "emr", "opsgenie", "pagerduty", "tableau", "salesforce",
    }
)  # fmt: skip
_PLAIN_ALWAYS = frozenset({"ftp", "telnet"})
_FILES = frozenset({"fs", "file", "sqlite"})
"""Nothing goes over a network; sqlite's host is a path."""
_BY_ADDRESS = frozenset(
    {
        "http", "https", "elasticsearch", "livy", "druid", "docker", "prometheus", "spark_connect",
        "vault", "grpc", "jenkins", "mlflow", "neo4j", "trino", "presto", "hive_metastore",
        "openai",
    }
)  # fmt: skip
_ON = ("true", "1", "yes", "required", "require", "on", "ssl", "tls")


def connection_rows(connections: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The frame `connections`.

    Raises:
        CannotCollect: a connection is shaped otherwise than Airflow's.
    """
    for one in connections:
        try:
            name, kind = str(one["connection_id"]), str(one["conn_type"] or "")
            extra = json.loads(one["extra"] or "{}")
            host = str(one["host"] or "")
        except (KeyError, TypeError, ValueError):
            raise CannotCollect("a connection is not shaped as Airflow's are") from None
        if not isinstance(extra, dict):
            extra = {}
        shown, masked = _secrets_in(extra)
        if _holds_password(host):
            shown.append("host")
        yield {
            "connection": name,
            "type": kind,
            "transport": transport(kind, host, str(one.get("schema") or ""), extra),
            "verified": verified(extra),
            "shown": ", ".join(sorted(shown)),
            "leaks": bool(shown),
            "in_extra": ", ".join(sorted(masked)),
            "keeps_in_extra": bool(masked),
        }


def variable_rows(variables: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The frame `variables`.

    Raises:
        CannotCollect: a variable is shaped otherwise than Airflow's.
    """
    for one in variables:
        try:
            name, value, encrypted = str(one["key"]), str(one["value"] or ""), one["is_encrypted"]
        except (KeyError, TypeError):
            raise CannotCollect("a variable is not shaped as Airflow's are") from None
        try:
            plain = json.loads(value)
        except ValueError:
            plain = value
        shown, masked = _secrets_in({name: plain})
        yield {
            "variable": name,
            "encrypted": bool(encrypted),
            "shown": bool(shown),
            "confidential": bool(shown or masked),
        }


def transport(kind: str, host: str, schema: str, extra: Mapping[str, Any]) -> str:
    """How data goes to what a connection leads to: tls, plain, loopback, none or unknown."""
    lowered = {str(key).lower().rpartition("__")[2]: value for key, value in extra.items()}
    if kind in _FILES:
        return "none"
    hosts = [host] if host else _hosts_in(lowered)
    if not hosts and kind not in _TLS_ALWAYS:
        return "none"
    addresses = [each if "://" in each else f"{schema or kind}://{each}" for each in hosts]
    if addresses and all(is_loopback(each) for each in addresses):
        return "loopback"
    if kind in _TLS_ALWAYS:
        endpoint = str(lowered.get("endpoint_url") or "")
        return "plain" if endpoint.startswith("http://") and not is_loopback(endpoint) else "tls"
    if kind in _PLAIN_ALWAYS:
        return "plain"
    if kind == "redshift":  # TLS is the default
        return "plain" if str(lowered.get("ssl", True)).lower() in _OFF else "tls"
    if kind in ("postgres", "pgvector", "alloydb"):
        return "tls" if str(lowered.get("sslmode")) in _POSTGRES_TLS else "plain"
    if kind in ("mysql", "mariadb", "mssql", "oracle", "vertica", "clickhouse", "cassandra"):
        return "tls" if _asks_for_tls(lowered) else "plain"
    if kind in ("redis", "mongo", "amqp", "rabbitmq", "imap"):
        safe = host.startswith(("rediss:", "mongodb+srv:", "amqps:"))
        return "tls" if safe or _is_on(lowered.get("srv")) or _asks_for_tls(lowered) else "plain"
    if kind == "kafka":
        protocol = str(lowered.get("security.protocol") or "").upper()
        return "tls" if protocol in ("SSL", "SASL_SSL") else "plain"
    if kind == "smtp":
        # TLS is the default: it must be switched off twice to be off.
        return (
            "plain"
            if _is_on(lowered.get("disable_ssl")) and _is_on(lowered.get("disable_tls"))
            else "tls"
        )
    if kind in _BY_ADDRESS:
        safe = all(each.lower().startswith(("https://", "grpcs://")) for each in addresses)
        return "tls" if safe or _asks_for_tls(lowered) else "plain"
    return "unknown"


_POSTGRES_TLS = ("require", "verify-ca", "verify-full")
_OFF = ("false", "0", "no", "cert_none", "none")
_NAMES_OF_ADDRESSES = (
    *("bootstrap.servers", "host", "hosts", "url", "uri", "base_url", "endpoint", "server"),
    *("dsn", "connection_url", "connection_string"),
)
"""Extras in which hooks take the address for want of a host; Kafka's has none."""


def _hosts_in(extra: Mapping[str, Any]) -> list[str]:
    given = [extra[name] for name in _NAMES_OF_ADDRESSES if extra.get(name)]
    return [part.strip() for text in given for part in str(text).split(",") if part.strip()]


def verified(extra: Mapping[str, Any]) -> bool:
    """Whether nothing switches the check of the other side's certificate off."""
    for key, value in extra.items():
        name = str(key).lower().rpartition("__")[2]
        off = str(value).strip().lower() in _OFF
        if name in ("verify", "verify_ssl", "ssl_verify", "verify_certs", "ssl_cert_reqs") and off:
            return False
        insecure = name in ("insecure", "tlsallowinvalidcertificates", "allow_insecure")
        if insecure and _is_on(value):
            return False
    return True


def _asks_for_tls(extra: Mapping[str, Any]) -> bool:
    for name in ("ssl", "tls", "use_ssl", "use_tls", "secure", "encrypt", "ssl_mode", "sslmode"):
        value = extra.get(name)
        if isinstance(value, dict) and value:
            return True
        if _is_on(value) or str(value).lower() in ("verify_ca", "verify_identity", "strict"):
            return True
    return False


def _is_on(value: Any) -> bool:
    return value is True or str(value).strip().lower() in _ON


def _secrets_in(values: Mapping[str, Any], prefix: str = "") -> tuple[list[str], list[str]]:
    """Keys whose secrets are shown, and keys whose secrets are masked."""
    shown: list[str] = []
    masked: list[str] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            inner = _secrets_in(value, f"{name}.")
            shown += inner[0]
            masked += inner[1]
            continue
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, Mapping):
                inner = _secrets_in(text, f"{name}.")
                shown += inner[0]
                masked += inner[1]
            elif not isinstance(text, str) or not text:
                continue
            elif text == _MASK:
                masked.append(name)
            elif (
                _SECRET_SHAPE.search(text)
                or _holds_password(text)
                or (_SECRET_NAME.search(str(key)) and not _NAMES_OF_PLACES.search(str(key)))
            ):
                shown.append(name)
    return list(dict.fromkeys(shown)), list(dict.fromkeys(masked))


def _holds_password(text: str) -> bool:
    found = _URL_PASSWORD.search(text)
    return found is not None and found["password"] != _MASK
