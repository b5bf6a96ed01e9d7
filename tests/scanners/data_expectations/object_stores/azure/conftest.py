"""Azurite, Microsoft's emulator of Azure Storage, installed by npm at the first use."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.storage.blob import (
    AccountSasPermissions,
    BlobAnalyticsLogging,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
)
from store_proxy import Proxy, proxying

from compline.model import Look
from compline.scanners.stores.azure_blob import client as azure_client

ROOT = Path(__file__).parents[5]
AZURITE = "3.35.0"
ACCOUNT = "devstoreaccount1"
# The key that every azurite has; Microsoft publishes it.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
RESOURCE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
)


def connection_string(url: str) -> str:
    account = f"AccountName={ACCOUNT};AccountKey={KEY}"
    return f"DefaultEndpointsProtocol=http;{account};BlobEndpoint={url}/{ACCOUNT};"


@pytest.fixture(scope="session")
def azurite_program() -> Path:
    """Its program, kept under the workspace."""
    home = ROOT / ".compline" / "tests" / f"azurite-{AZURITE}"
    program = home / "node_modules" / ".bin" / "azurite-blob"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("azurite needs npm, which this machine does not have")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        made = Path(folder) / "azurite"
        try:
            subprocess.run(
                [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
                 "--prefix", str(made), f"azurite@{AZURITE}"],
                check=True, timeout=240, capture_output=True,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm cannot install azurite {AZURITE}: {type(error).__name__}")
        with suppress(OSError):  # another worker of the tests was faster
            made.rename(home)
    return program


@pytest.fixture(scope="session")
def azurite(azurite_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a running azurite."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(azurite_program), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent",
         "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck",
         "--disableProductStyleUrl"],
        cwd=tmp_path_factory.mktemp("azurite"), env={**os.environ, "NODE_NO_WARNINGS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None, "azurite ended"
            try:
                BlobServiceClient.from_connection_string(
                    connection_string(url), retry_total=0
                ).get_account_information()
                break
            except AzureError:
                assert time.monotonic() < end, "azurite did not start"
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def blobs(azurite: str) -> BlobServiceClient:
    """A client for arranging what is then checked; azurite starts empty."""
    client = BlobServiceClient.from_connection_string(connection_string(azurite), retry_total=0)
    for container in list(client.list_containers()):
        client.delete_container(container.name)
    logging = BlobAnalyticsLogging(read=True, write=True, delete=True)
    client.set_service_properties(analytics_logging=logging)
    return client


@pytest.fixture
def connect() -> Callable[[str], str]:
    """The connection string of an azurite by its URL."""
    return connection_string


@pytest.fixture
def azure_proxy(azurite: str) -> Iterator[Proxy]:
    """A proxy before azurite."""
    with proxying(azurite) as running:
        yield running


@pytest.fixture
def reading_proxy(azurite: str, certificate: tuple[Path, Path]) -> Iterator[Proxy]:
    """A TLS proxy that lets azurite see a right to read and to list only, and no other."""
    now = datetime.now(UTC)
    signature = generate_account_sas(
        ACCOUNT, KEY, ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, list=True), now + timedelta(hours=1),
        start=now - timedelta(hours=1),
    )  # fmt: skip
    with proxying(azurite, certificate, signature) as running:
        yield running


@pytest.fixture
def look_at_azure(look_at: Callable[..., Look], azure_proxy: Proxy) -> Callable[..., Look]:
    """A look at azurite through the proxy, by a connection string."""

    def look(**settings: Any) -> Look:
        given = {
            "kind": "azure-blob",
            "credential": "env:STORE_URL",
            "account_url": f"{azure_proxy.url}/{ACCOUNT}",
            **settings,
        }
        return look_at(url=connection_string(azure_proxy.url), **given)

    return look


class _Tokens:
    """An application that Microsoft Entra ID knows."""

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(f"token for {scopes[0]}", int(time.time()) + 3600)


@pytest.fixture
def look_as_application(
    look_at: Callable[..., Look],
    reading_proxy: Proxy,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Look]:
    """A look at azurite and at a Resource Manager of recorded answers, as an application."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setattr(azure_client, "_credential", lambda _asked: _Tokens())

    def look(**settings: Any) -> Look:
        given = {
            "kind": "azure-blob",
            "credential": "ambient",
            "account_url": f"{reading_proxy.url}/{ACCOUNT}",
            "management_url": reading_proxy.url,
            "resource_id": RESOURCE,
            **settings,
        }
        return look_at(**given)

    return look
