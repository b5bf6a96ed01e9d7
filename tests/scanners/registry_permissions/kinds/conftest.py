"""Looks at registries that are judged as inventories, and what they need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import httpx
import pytest
from moto.core.exceptions import JsonRESTError
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners.interface import Job, ScanContext
from compline.scanners.registries.scanner import RegistryPermissions

ACCOUNT = "123456789012"
"""As moto has it."""

LookAt = Callable[..., Look]


@pytest.fixture
def look_at_kind(context: Callable[..., ScanContext]) -> LookAt:
    """One look at a registry with these settings."""

    def look(
        secrets: Mapping[str, str] | None = None,
        seconds: int = 60,
        *,
        guarded: bool = False,
        **settings: Any,
    ) -> Look:
        asked = context(
            None,
            secrets=secrets or {},
            scanners={
                "registry-permissions": {"seconds": seconds},
                "model-guard": {"enabled": guarded},
            },
        )
        target = Target(TargetKind.MODEL_REGISTRY, "models", "there", settings=settings)
        (result,) = RegistryPermissions().scan([Job(target, "")], asked)
        return result

    return look


@pytest.fixture
def found() -> Callable[[Look], set[tuple[str, str]]]:
    """Rule and subject of everything that a completed look has found."""

    def of(look: Look) -> set[tuple[str, str]]:
        assert isinstance(look.outcome, Completed), look.outcome
        return {(one.rule, one.subject) for one in look.outcome.observations}

    return of


class Aws:
    """A server of AWS's protocols on loopback."""

    def __init__(self, url: str, policies: dict[str, str]) -> None:
        self.url = url
        self.policies = policies
        """By group, what `GetModelPackageGroupPolicy` answers: moto has no such call."""
        self.settings = {
            "kind": "sagemaker",
            "region": "eu-west-1",
            "endpoint": url,
            "credential": "env:AWS",
        }
        self.secrets = {"AWS": "testing:testing"}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """moto's server, empty, with the one call added that it lacks."""
    policies: dict[str, str] = {}

    def get_model_package_group_policy(self: SageMakerResponse) -> Any:
        name = self._get_param("ModelPackageGroupName")
        if name not in policies:
            raise JsonRESTError("ValidationException", "Cannot find the policy")
        return json.dumps({"ResourcePolicy": policies[name]})

    monkeypatch.setattr(
        SageMakerResponse,
        "get_model_package_group_policy",
        get_model_package_group_policy,
        raising=False,
    )
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Aws(f"http://{host}:{port}", policies)
    finally:
        httpx.post(f"http://{host}:{port}/moto-api/reset")
        server.stop()
