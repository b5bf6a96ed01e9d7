"""The one way to ask a service over HTTP: reading calls within bounds on calls, bytes and time."""

import logging

for _library in ("httpx", "httpcore"):
    # They log whole addresses and headers, and an address may be signed.
    logging.getLogger(_library).setLevel(logging.WARNING)
