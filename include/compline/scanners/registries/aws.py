"""Clients of AWS that use what they are given and nothing that lies around on the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compline.scanners.registries.facts import CannotAsk


@dataclass(frozen=True)
class Access:
    """How to reach a service of AWS, or what speaks its protocol."""

    credential: str
    """`ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`; never log it."""
    seconds: float
    """For one answer, at most."""
    region: str = "us-east-1"
    endpoint: str = ""

    def client(self, service: str) -> Any:
        """A boto3 client.

        Raises:
            CannotAsk: the credential is not of the right form.
        """
        import boto3
        from botocore.config import Config

        key, _, rest = self.credential.partition(":")
        secret, _, token = rest.partition(":")
        if not key or not secret:
            raise CannotAsk(
                "the credential must be of the form ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
            )
        session = boto3.session.Session(key, secret, token or None, self.region)
        return session.client(
            service,
            endpoint_url=self.endpoint or None,
            config=Config(
                connect_timeout=min(10.0, self.seconds),
                read_timeout=min(30.0, self.seconds),
                retries={"total_max_attempts": 3, "mode": "standard"},
                ignore_configured_endpoint_urls=True,
            ),
        )
