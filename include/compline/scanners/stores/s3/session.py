"""Who asks S3, and with which bounds of a single call."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from compline.config.secrets import AMBIENT
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.object_stores.calls import WORKERS

_CONNECT_SECONDS = 10.0
_SOCKET_SECONDS = 20.0


def session_of(asked: Asked) -> Any:
    """boto3's session with the target's credential, or with the machine's own where it says so.

    Raises:
        CannotCollect: the credential has another form.
        SecretMissing: it is not there.
    """
    if asked.target.settings.get("credential") == AMBIENT:
        return boto3.Session()
    parts = asked.secret("credential").split(":", 2)
    if len(parts) < 2 or not all(parts):
        raise CannotCollect(
            "the credential must be of the form ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
        )
    return boto3.Session(
        aws_access_key_id=parts[0],
        aws_secret_access_key=parts[1],
        aws_session_token=parts[2] if len(parts) > 2 else None,
    )


def is_aws(endpoint: str) -> bool:
    """Whether an endpoint is one of AWS's own (a private link, a FIPS endpoint)."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def bounded(seconds: float, *, path_style: bool) -> Any:
    """A client's configuration; `seconds` are left for all calls together."""
    left = max(1.0, seconds)
    return Config(
        connect_timeout=min(_CONNECT_SECONDS, left),
        read_timeout=min(_SOCKET_SECONDS, left),
        # Tries are our own: botocore knows neither Retry-After nor our end.
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=WORKERS,
        user_agent_extra="compline",
        # What stands in the environment must not lead the credential elsewhere.
        ignore_configured_endpoint_urls=True,
        s3={"addressing_style": "path"} if path_style else None,
    )
