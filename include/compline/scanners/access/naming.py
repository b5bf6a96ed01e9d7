"""Who downloaded what: principals, networks and models out of requests.

Nothing secret gets through: a presigned URL is known by the access key that signed it, never by
its signature; a name that looks like a credential is put as a digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import parse_qs

from compline.evidence.masking import Masking
from compline.scanners.access.download import ANONYMOUS, Download, Request
from compline.scanners.services import escaped

MLFLOW = (
    "/**/mlflow-artifacts/artifacts/**/{model}/artifacts/**",
    # An address under which whoever has it gets the file from the store itself.
    "/**/mlflow-artifacts/presigned/**/{model}/artifacts/**",
    "/**/logged-models/{model}/artifacts/files",
)
"""Where MLflow's server hands out artifacts: of a run, or of a logged model (`models/m-...`)."""
_MLFLOW_QUERY = {"/model-versions/get-artifact": "name", "/get-artifact": "run"}
_LONGEST = 200
_LONGEST_PATH = 1200
"""Characters that are looked at: a key of S3 has up to 1024, and a longer path only costs time."""
_PIECES = re.compile(r"(\{model\}|\{version\}|\*\*|\*)")
_MEANS = {
    "{model}": r"(?P<model>[^/]+)",
    "{version}": r"(?P<version>[^/]+)",
    "**": r".*",
    "*": r"[^/]*",
}
_SESSION = re.compile(r"(.*:assumed-role/(?!AWSReservedSSO_)[^/]+)/.*")
_masking = Masking()

Model = tuple[str, str]
"""Name and version; the version is empty where the path does not tell it."""
DownloadOf = Callable[[Request], Download | None]


def models(templates: Sequence[str]) -> Callable[[str], Model | None]:
    """What tells the model of a path.

    Args:
        templates: paths with `{model}`, perhaps `{version}`, `*` (within a segment) and `**`.
    """
    expressions = [
        re.compile(
            "".join(_MEANS.get(part) or re.escape(part) for part in _PIECES.split(template)),
            re.DOTALL,
        )
        for template in templates
    ]

    @lru_cache(maxsize=10_000)
    def model_of(path: str) -> Model | None:
        path = path[:_LONGEST_PATH]
        for expression in expressions:
            match = expression.fullmatch(path)
            if match is not None:
                groups = match.groupdict()
                return _plain(groups["model"]), _plain(groups.get("version") or "")
        return None

    return model_of


def mlflow_model(request: Request) -> Model | None:
    """The model that MLflow's pages for downloads name in their query."""
    for end, key in _MLFLOW_QUERY.items():
        if request.path.endswith(end):
            asked = parse_qs(request.query)
            if key == "name" and "name" in asked:
                return _plain(asked["name"][0]), _plain(asked.get("version", [""])[0])
            run = asked.get("run_id") or asked.get("run_uuid")
            if run:
                return _plain(run[0]), ""
    return None


def downloads(
    model_of: Callable[[Request], Model | None], *, by_network: bool, addresses: str
) -> DownloadOf:
    """What makes a download out of a request; None for what is none.

    Args:
        model_of: the model of a request.
        by_network: whether networks are the principals.
        addresses: truncated, whole or none.
    """

    def download(request: Request) -> Download | None:
        if request.method != "GET" or request.status not in (200, 206):
            return None
        model = model_of(request)
        if model is None:
            return None
        network = network_of(request.address, addresses)
        if by_network or not request.names_user:
            principal = f"network {network or 'unknown'}"
        else:
            principal = user_of(request)
        return Download(request.at, principal, network, *model, request.bytes)

    return download


@lru_cache(maxsize=100_000)
def network_of(address: str, keep: str) -> str:
    """What may be kept of an address; what is no address (a name, a socket) is kept as it is."""
    if keep == "none":
        return ""
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return _plain(address) if address not in ("", "-", "unix:") else ""
    if keep == "whole":
        return str(parsed)
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def user_of(request: Request) -> str:
    """Who asked, without anything secret; `ANONYMOUS` for who did not say."""
    if request.user:
        session = _SESSION.fullmatch(request.user)
        return _plain(session[1] if session else request.user)
    if "X-Amz-Credential=" in request.query or "AWSAccessKeyId=" in request.query:
        asked = parse_qs(request.query)
        signed = asked.get("X-Amz-Credential") or asked.get("AWSAccessKeyId")
        if signed:
            key = signed[0].partition("/")[0]
            return f"access key ...{_plain(key[-4:])} ({_digest(key)})"
    return ANONYMOUS


@lru_cache(maxsize=100_000)
def _plain(name: str) -> str:
    """One printable word that holds no credential."""
    if _masking.value(name) != name:
        return f"name that looks like a secret ({_digest(name)})"
    return escaped(name)[:_LONGEST]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
