"""Inference endpoints: URLs at which models answer, and what may be sent to them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from compline.config.fields import LocalPath, Misplaced, Section, WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.stores import Inventoried
from compline.model import TargetKind

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Send = Annotated[str, Field(pattern=r"^(bearer|basic|header:[A-Za-z][A-Za-z0-9-]{0,63})$")]


class Call(Section):
    """One request that the credential is for, and that changes nothing."""

    method: Literal["GET", "POST"] = "GET"
    path: str = Field(
        min_length=1,
        pattern=r"^[!-~]+$",
        description="after the URL; with a leading / after its host",
    )
    body: dict[str, Any] | None = Field(None, description="sent as JSON")


class Endpoint(Inventoried):
    """A URL at which models answer."""

    target_kind: ClassVar = TargetKind.ENDPOINT

    url: WebUrl = Field(description="base of the service, e.g. https://models.example.org/v1")
    shape: Literal["openapi", "openai", "mlflow", "kserve", "triton", "plain"] = "plain"
    openapi: WebUrl | LocalPath | None = Field(
        None, description="OpenAPI document: a file, or a URL on a listed host"
    )
    credential: SecretReference | None = Field(
        None, description="a token, a key, or user:password for `send: basic`"
    )
    send: Send = Field("bearer", description="bearer, basic, or header:NAME")
    model: str = Field("", description="a model's name at the endpoint, for calls that need one")
    call: Call | None = Field(None, description="a call that needs the credential and works")
    ca: LocalPath | None = Field(None, description="PEM certificates that are trusted besides")
    plain_port: int = Field(80, ge=1, le=65535, description="where http is looked for beside https")
    private_hosts: list[str] = Field(
        default_factory=list,
        description="host names, addresses or networks that may be private; link-local and "
        "metadata addresses only as addresses",
    )
    dynamic: bool = Field(False, description="send generated requests (schemathesis)")
    hosts: list[str] = Field(
        default_factory=list, description="host names that generated requests may go to"
    )
    methods: tuple[Method, ...] = Field(
        ("GET", "POST"),
        min_length=1,
        description="of the operations that are tested with generated requests",
    )
    probes: bool = Field(False, description="send a few prompts (shape: openai, with `model`)")
    prompt_canary: SecretReference | None = Field(
        None, description="a phrase of the system prompt that no answer may hold"
    )

    @model_validator(mode="after")
    def _fits(self) -> Endpoint:
        host = (urlsplit(self.url).hostname or "").lower()
        if not host:
            raise Misplaced("the URL names no host", at=("url",))
        if self.dynamic:
            if self.openapi is None:
                raise Misplaced("needs `openapi:`, the document of its operations", at=("dynamic",))
            if host not in {name.lower() for name in self.hosts}:
                raise Misplaced(
                    f"needs {host!r} among `hosts:`, to which generated requests may go",
                    at=("dynamic",),
                )
        if self.probes and (self.shape != "openai" or not self.model):
            raise Misplaced("needs `shape: openai` and `model:`", at=("probes",))
        if self.openapi is not None and isinstance(self.openapi, str):
            _check_document(self.openapi, host, self.hosts)
        return self

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url


def _check_document(url: str, host: str, hosts: list[str]) -> None:
    at = (urlsplit(url).hostname or "").lower()
    if at != host and at not in {name.lower() for name in hosts}:
        raise Misplaced(f"{at!r} is neither the endpoint's host nor in `hosts:`", at=("openapi",))
