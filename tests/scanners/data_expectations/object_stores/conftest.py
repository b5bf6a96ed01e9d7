"""Object stores of the tests: moto for S3, each behind a proxy that writes down what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from store_proxy import Proxy, proxying

from compline.model import Look

ACCOUNT = "123456789012"


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """URL of moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def arrange(moto: str) -> Callable[[str], Any]:
    """A client of moto by its service, for arranging what is then checked; moto starts empty."""
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto,
            region_name="us-east-1",
            aws_access_key_id="arranging",
            aws_secret_access_key="test",
        )

    return client


@pytest.fixture
def s3(arrange: Callable[[str], Any]) -> Any:
    """An S3 client for arranging."""
    return arrange("s3")


@pytest.fixture
def proxy(moto: str, certificate: tuple[Path, Path]) -> Iterator[Proxy]:
    """A TLS proxy before moto."""
    with proxying(moto, certificate) as running:
        yield running


@pytest.fixture
def look_at_s3(
    look_at: Callable[..., Look], proxy: Proxy, certificate: tuple[Path, Path]
) -> Callable[..., Look]:
    """A look at moto through the proxy."""

    def look(*, credential: str = "reader:secret-of-tests", **settings: Any) -> Look:
        given = {
            "kind": "s3",
            "credential": "env:STORE_URL",
            "endpoint_url": proxy.url,
            "kms_endpoint_url": proxy.url,
            "account": ACCOUNT,
            "ca_file": str(certificate[0]),
            **settings,
        }
        return look_at(url=credential, **given)

    return look
