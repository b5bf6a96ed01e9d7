"""What boto3's exceptions mean for a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions

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

_ABSENT = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "NoSuchTagSetError",
        "ObjectLockConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
_CREDENTIAL = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_BUSY = frozenset(
    {
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MISSING = frozenset({"NoSuchBucket", "NoSuchKey", "NotFoundException"})
_UNSUPPORTED = frozenset(
    {"MethodNotAllowed", "NotImplemented", "UnsupportedOperation", "UnsupportedOperationException"}
)


def is_an_answer(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuses what is no answer of S3, which boto3 would read as one that says nothing.

    Registered for its event `before-parse`.

    Raises:
        CannotCollect: nothing, a page for people, a redirect that names no region.
    """
    what, status = str(operation_model.name), int(response_dict["status_code"])
    headers = {str(name).lower() for name in response_dict["headers"]}
    if status in _REDIRECTS and "x-amz-bucket-region" not in headers:
        raise redirected(what, status)
    if status != 200 or what == "GetBucketPolicy" or what.startswith("Head"):
        return  # JSON, and what has no body
    if xml_root(bytes(response_dict["body"])).lower() in ("", "html"):
        raise strange(what)


class Absent:
    """Set where the answer is that there is no such configuration."""

    code = ""


@contextmanager
def translated(what: str) -> Iterator[Absent]:
    """Turns what boto3 raises within into the words of `calls`; `what` was asked for.

    Raises:
        Busy, Missing, Refused, Unsupported: as the store answered.
        CannotCollect: no connection, a credential that is not accepted, an unreadable answer.
    """
    absent = Absent()
    try:
        yield absent
    except exceptions.ClientError as error:
        absent.code = _code_of_absence(error, what)
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise CannotCollect("this machine has no AWS identity of its own: name a credential") from (
            None
        )
    except (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError):
        raise CannotCollect(f"{what}: the store did not answer in time") from None
    except exceptions.SSLError as error:
        raise CannotCollect(f"no trusted TLS connection: {_short(error)}") from None
    except exceptions.HTTPClientError as error:
        raise CannotCollect(f"{what}: no connection, or it broke off: {_short(error)}") from None
    except exceptions.BotoCoreError as error:
        raise CannotCollect(f"{what}: {type(error).__name__}: {_short(error)}") from None
    except UnicodeDecodeError:
        raise CannotCollect(f"{what}: the answer is no text") from None


def _code_of_absence(error: exceptions.ClientError, what: str) -> str:
    response: Any = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    metadata = response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode") or 0)
    if code in _ABSENT:
        return code
    said = f"{what}: {code or status}"
    if code in _CREDENTIAL or status == 401:
        raise CannotCollect(f"the store does not accept the credential ({code})") from None
    if code in _UNSUPPORTED or status in (405, 501):
        raise Unsupported(said) from None
    if code in _BUSY or status == 429 or status >= 500:
        raise Busy(said, retry_after(metadata.get("HTTPHeaders") or {})) from None
    if code in _MISSING or (status == 404 and what == "object"):
        raise Missing(said) from None
    if status == 403 or code.startswith("AccessDenied"):
        raise Refused(said) from None
    if what == "object" and status == 400:
        # An object with a key that only its writer has cannot even be asked about.
        raise Refused(f"{said}, as for objects with a customer-provided key") from None
    raise CannotCollect(f"{said}: {_short(error)}") from None


def _short(error: Exception) -> str:
    return one_line(str(error), 200)
