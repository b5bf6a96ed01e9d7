"""One endpoint, made ready to be tested: its place, its credential, its document."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from compline.model import Target
from compline.scanners.endpoints.asking import Credential, asking
from compline.scanners.endpoints.dynamic.document import Document, Unusable, prepare
from compline.scanners.endpoints.dynamic.gateway import connect
from compline.scanners.endpoints.dynamic.verdict import NotTested
from compline.scanners.http import addresses
from compline.scanners.interface import ScanContext

_FETCH_SECONDS = 30.0


@dataclass(frozen=True)
class Subject:
    """One endpoint, ready to be tested."""

    place: addresses.Place
    credential: Credential | None
    tls: ssl.SSLContext
    document: Document
    canary: str
    methods: tuple[str, ...]


def subject_of(target: Target, context: ScanContext) -> Subject:
    """Finds the endpoint, makes sure of its certificate, and fetches its document.

    Raises:
        NoPlace: its address is refused, or nothing listens there.
        NotTested: the configuration does not allow it, or the credential would not be safe.
        Unusable, NoAnswer: there is no document to test by.
        SecretMissing: the credential is not there.
    """
    settings = target.settings
    private = settings.get("private_hosts") or ()
    place = addresses.find(target.locator, private)
    if place.host not in {str(name).lower() for name in settings.get("hosts") or ()}:
        raise NotTested(f"{place.host} is not among `hosts:`, to which generated requests may go")
    credential = None
    if settings.get("credential"):
        value = context.secrets.resolve(str(settings["credential"]))
        credential = Credential(value, str(settings.get("send") or "bearer"))
    ca = Path(settings["ca"]) if settings.get("ca") else None
    tls = ssl.create_default_context()
    try:
        if ca is not None:
            tls.load_verify_locations(cafile=ca)
    except OSError as error:
        raise NotTested(f"the certificates of `ca:` cannot be read: {error}") from None
    if credential and place.scheme == "http" and not place.inside:
        raise NotTested("the credential is not sent without TLS to a public address")
    try:
        connect(place, tls).close()
    except ssl.SSLError:
        raise NotTested("no TLS connection whose certificate can be verified") from None
    except OSError as error:
        raise NotTested(f"no connection ({type(error).__name__})") from None
    canary = f"/compline-canary-{secrets.token_hex(6)}"
    content = _content(str(settings.get("openapi") or ""), place, credential, ca, private)
    methods = tuple(settings.get("methods") or ("GET", "POST"))
    document = prepare(content, canary, methods[0])
    return Subject(place, credential, tls, document, canary, methods)


def _content(
    where: str,
    place: addresses.Place,
    credential: Credential | None,
    ca: Path | None,
    private: Sequence[str],
) -> bytes:
    if not where.startswith(("http://", "https://")):
        try:
            return Path(where).read_bytes()
        except OSError as error:
            raise Unusable(f"the OpenAPI document cannot be read: {error.strerror}") from None
    parts = urlsplit(where)
    own = parts.scheme == place.scheme and parts.netloc == place.authority
    at = replace(place, path="") if own else addresses.find(where, private)
    path = parts.path or "/"

    async def fetch() -> bytes:
        async with asking(
            replace(at, path=""), credential if own else None, ca, _FETCH_SECONDS
        ) as asker:
            who = "right" if own and asker.has_credential else "anonymous"
            answer = await asker.call("GET", path, identity=who)  # type: ignore[arg-type]
            if answer.status != 200:
                raise Unusable(f"the OpenAPI document's URL answers {answer.status}")
            return answer.body.encode()

    try:
        return asyncio.run(fetch())
    except TimeoutError:
        raise Unusable("the OpenAPI document's URL did not answer in time") from None
