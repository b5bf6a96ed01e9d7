"""What the exceptions of Azure's libraries mean for a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core import exceptions

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line
from compline.scanners.stores.object_stores.calls import (
    Busy,
    Missing,
    Refused,
    Unsupported,
    retry_after,
)
from compline.scanners.stores.object_stores.strangers import redirected, strange, xml_root

_CREDENTIAL = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "AccountIsDisabled"})
_ROOTS = frozenset({"EnumerationResults", "SignedIdentifiers", "StorageServiceProperties"})
_UNSUPPORTED = frozenset({"FeatureNotSupported", "UnsupportedHttpVerb", "APINotImplemented"})


def is_an_answer(response: Any) -> None:
    """Refuses what is no answer of the Blob service, which its client would read as an empty one.

    The client's `raw_response_hook`.

    Raises:
        CannotCollect: nothing, or a page for people.
    """
    answer = response.http_response
    asked = parse_qs(urlsplit(answer.request.url).query)
    # Properties of a container come in headers; what is asked by `comp` comes as XML.
    what = asked.get("comp", [""])[0]
    if answer.status_code == 200 and what and xml_root(answer.body()) not in _ROOTS:
        raise strange(what)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what is raised within into the words of `calls`; `what` was asked for.

    Raises:
        Busy, Missing, Refused, Unsupported: as the store answered.
        CannotCollect: no connection, a credential that is not accepted, an unreadable answer.
    """
    try:
        yield
    except exceptions.HttpResponseError as error:
        status = int(error.status_code or 0)
        if not status:
            # No token, or an answer that is no XML: the text may quote what was sent.
            raise CannotCollect(
                f"{what}: no token for the credential, or an answer that broke off "
                f"({type(error).__name__})"
            ) from None
        code = str(getattr(error, "error_code", None) or "")
        headers = getattr(error.response, "headers", None) or {}
        raise meaning(what, status, code, headers) from None
    except (exceptions.ServiceRequestTimeoutError, exceptions.ServiceResponseTimeoutError):
        raise CannotCollect(f"{what}: the store did not answer in time") from None
    except exceptions.AzureError as error:
        raise CannotCollect(
            f"{what}: no connection, or it broke off: {one_line(str(error), 150)}"
        ) from None
    except (ValueError, TypeError, AttributeError):
        # The library takes it for granted that all is there that Azure documents.
        raise CannotCollect(f"{what}: the answer is not understood") from None


def meaning(what: str, status: int, code: str, headers: Mapping[str, str]) -> Exception:
    """What an answer's status means, as an exception to raise."""
    said = f"{what}: {code or status}"
    if status == 401 or code in _CREDENTIAL:
        return CannotCollect(f"{said}: the store does not accept the credential")
    if status in (405, 501) or code in _UNSUPPORTED:
        return Unsupported(said)
    if status == 403:
        return Refused(said)
    if status == 404:
        return Missing(said)
    if 300 <= status < 400:
        return redirected(what, status)
    if status == 429 or status >= 500:
        return Busy(said, retry_after(headers))
    return CannotCollect(said)
