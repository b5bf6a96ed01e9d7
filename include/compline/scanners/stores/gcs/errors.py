"""What the exceptions of Google's libraries mean for a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line
from compline.scanners.stores.object_stores.calls import (
    Busy,
    Missing,
    Refused,
    Unsupported,
    retry_after,
)
from compline.scanners.stores.object_stores.strangers import redirected


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what is raised within into the words of `calls`; `what` was asked for.

    Raises:
        Busy, Missing, Refused, Unsupported: as the store answered.
        CannotCollect: no connection, a credential that is not accepted, an unreadable answer.
    """
    try:
        yield
    except GoogleAPICallError as error:
        headers = getattr(error.response, "headers", None) or {}
        raise _meaning(what, int(error.code or 0), headers) from None
    except requests.HTTPError as error:
        answer = error.response
        status, headers = (answer.status_code, answer.headers) if answer is not None else (0, {})
        raise _meaning(what, status, headers) from None
    except requests.TooManyRedirects as error:
        raise redirected(what, error.response.status_code if error.response else 302) from None
    except requests.Timeout:
        raise CannotCollect(f"{what}: the store did not answer in time") from None
    except requests.JSONDecodeError:
        raise CannotCollect(f"{what}: the answer is not JSON, or broke off") from None
    except requests.RequestException as error:
        raise CannotCollect(
            f"{what}: no connection, or it broke off ({type(error).__name__})"
        ) from None
    except TransportError:
        raise CannotCollect("no connection to where Google gives out tokens") from None
    except GoogleAuthError as error:
        raise CannotCollect(
            f"Google does not accept the credential: {one_line(str(error.args[0]), 150)}"
        ) from None
    except (ValueError, TypeError, AttributeError):
        # The library takes it for granted that JSON is an object.
        raise CannotCollect(f"{what}: the answer is not understood, or broke off") from None


def _meaning(what: str, status: int, headers: Mapping[str, str]) -> Exception:
    said = f"{what}: {status}"
    if status == 401:
        return CannotCollect(f"{said}: the store does not accept the credential")
    if status == 403:
        return Refused(said)
    if status == 404:
        return Missing(said)
    if status in (405, 501):
        return Unsupported(said)
    if status == 429 or status >= 500:
        return Busy(said, retry_after(headers))
    return CannotCollect(said)
