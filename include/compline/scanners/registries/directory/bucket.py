"""Lists a bucket of S3 as fsspec would list a folder: flat, with the storage's own validators."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.registries.aws import Access
from compline.scanners.registries.facts import CannotAsk


def listed(url: str, access: Access, most: int) -> list[dict[str, Any]]:
    """Every object below `s3://bucket/prefix`, up to one more than `most`.

    Raises:
        CannotCollect: it refuses, is not there, does not answer in time, or half.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    end = time.monotonic() + access.seconds
    found: list[dict[str, Any]] = []
    try:
        pages = access.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=parts.netloc, Prefix=prefix):
            if time.monotonic() > end:
                raise CannotCollect(f"the bucket was not listed within {access.seconds:g} s")
            for one in page.get("Contents", ()):
                path = str(one["Key"])[len(prefix) :]
                if path and not path.endswith("/"):
                    found.append(
                        {"path": path, "type": "file", "size": one["Size"], "ETag": one["ETag"]}
                    )
            if len(found) > most:
                break
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))[:80]
        raise CannotCollect(f"s3://{parts.netloc} answers {code}") from None
    except BotoCoreError as error:
        raise CannotCollect(f"s3://{parts.netloc}: {type(error).__name__}") from None
    except CannotAsk as error:
        raise CannotCollect(str(error)) from None
    return found
