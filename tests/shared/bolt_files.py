"""Files of bbolt's, as Trivy keeps its database in them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

Buckets = Mapping[str, Any]


def _page(number: int, flags: int, elements: list[tuple[int, bytes, bytes]]) -> bytes:
    """A leaf page of bbolt's with as many pages of overflow as it needs."""
    header, body = b"", b""
    offset = 16 * len(elements)
    for index, (kind, key, value) in enumerate(elements):
        place = offset - 16 * index + len(body)
        header += struct.pack("<IIII", kind, place, len(key), len(value))
        body += key + value
    content = header + body
    overflow = (16 + len(content) - 1) // 4096
    page = struct.pack("<QHHI", number, flags, len(elements), overflow) + content
    return page.ljust(4096 * (overflow + 1), b"\0")


def bolt(buckets: Buckets) -> bytes:
    """A bbolt file: nested dictionaries are buckets, everything else is JSON."""
    pages: list[bytes] = []

    def add(bucket: Buckets) -> int:
        elements = []
        for key, value in sorted(bucket.items()):
            if isinstance(value, dict) and value.get("__bucket__", True) is True:
                elements.append((1, key.encode(), struct.pack("<QQ", add(value), 0)))
            else:
                plain = {name: each for name, each in value.items() if name != "__bucket__"}
                elements.append((0, key.encode(), json.dumps(plain).encode()))
        number = 3 + sum(len(page) for page in pages) // 4096
        pages.append(_page(number, 2, elements))
        return number

    root = add(buckets)
    last = 3 + sum(len(page) for page in pages) // 4096
    files = []
    for number in (0, 1):
        meta = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, 4096, 0, root, 0, 2, last, number)
        checksum = 0xCBF29CE484222325
        for byte in meta:
            checksum = (checksum ^ byte) * 0x100000001B3 % (1 << 64)
        header = struct.pack("<QHHI", number, 4, 0, 0)
        files.append((header + meta + struct.pack("<Q", checksum)).ljust(4096, b"\0"))
    files.append(struct.pack("<QHHI", 2, 16, 0, 0).ljust(4096, b"\0"))
    return b"".join([*files, *pages])
