"""What the messages of git and skopeo mean for the person who must mend it; secrets are masked."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

from compline.source.errors import SourceError
from compline.source.process import Finished

_SHOWN = 400
"""Characters of a program's own words that are passed on."""

_LEAST_ENCODED = 6
"""Characters; the base64 form of a shorter secret is found in everything."""

Meanings = tuple[tuple[str, str], ...]
"""(pattern of what is printed in the C locale, what it means and what to do); the first that
matches counts."""

_OF_GIT: Meanings = (
    (
        "Could not resolve host|Name or service not known|Temporary failure in name resolution",
        "the host's name is not known here: check the URL and the DNS of this host",
    ),
    (
        "Host key verification failed",
        (
            "the server's ssh key is not the one seen before: if that is right, remove its line "
            "from the known_hosts file"
        ),
    ),
    (
        r"Permission denied \(|Too many authentication failures|Load key",
        (
            "ssh access was refused: give a read-only deploy key without passphrase, "
            "`credential: env:NAME`"
        ),
    ),
    (
        (
            "Authentication failed|could not read (?:Username|Password)|returned error: 40[137]|"
            "terminal prompts disabled|HTTP Basic: Access denied"
        ),
        "access was refused: give a token that may read it, `credential: env:NAME`, or renew it",
    ),
    (
        r"returned error: 30\d|unable to update url base from redirection",
        "the server redirects, which is not followed: write the address that it redirects to",
    ),
    (
        "SSL|[Cc]ertificate|TLS",
        (
            "the TLS connection was not trusted: check the host, or name your own CA's file in the "
            "environment variable GIT_SSL_CAINFO"
        ),
    ),
    (
        (
            "returned error: 404|[Rr]epository not found|does not appear to be a git repository|"
            "[Nn]o such file or directory|repository '.*' not found"
        ),
        "there is no such repository, or this credential may not see it: check the URL",
    ),
    (
        "couldn't find remote ref|not our ref|unadvertised object|no such remote ref",
        "the server does not give this commit or branch: it may be gone; check the name",
    ),
    (
        "shallow capabilities|dumb http",
        "the server speaks only the old protocol without shallow fetches: set `history: full`",
    ),
    (
        "unable to read [0-9a-f]{40}|possible repository corruption|bad object|missing blob",
        "the repository lacks objects on the server's side: run `git fsck` there",
    ),
    (
        "[Oo]ut of memory|Cannot allocate memory",
        "git ran out of the memory allowed: raise `limits.tool_memory_mb`",
    ),
    (
        "No space left on device",
        "the workspace's disk is full: make room",
    ),
    (
        (
            "Connection (?:refused|timed out|reset)|Failed to connect|Couldn't connect|"
            "[Nn]etwork is unreachable|Operation too slow|Empty reply|Could not read from remote|"
            "unable to access|early EOF|hung up"
        ),
        "the server cannot be reached or broke off: try again later, and check network and proxy",
    ),
)


def failure(
    what: str,
    finished: Finished,
    secrets: Iterable[str] = (),
    *,
    program: str = "git",
    meanings: Meanings = _OF_GIT,
) -> SourceError:
    """The exception for a process that failed, to be raised.

    `what` is the beginning of the sentence: what was attempted, with the URL.
    """
    words = masked(finished.stderr.decode("utf-8", "replace"), secrets)
    meaning = f"{program} ended with code {finished.returncode}"
    if finished.returncode < 0:
        meaning = (
            f"{program} was ended by signal {-finished.returncode} "
            "(out of memory, or input made to crash it)"
        )
    else:
        for pattern, known in meanings:
            if re.search(pattern, words):
                meaning = known
                break
    return SourceError(f"{what}: {meaning}{_tail(words, program)}")


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in each form in which git or a server may repeat them."""
    for secret in secrets:
        user, _, password = secret.partition(":")
        forms = {secret, password or user, quote(secret, safe=""), quote(password or user, safe="")}
        forms |= {line for line in secret.splitlines() if len(line) > 8}
        for form in sorted(filter(None, forms), key=len, reverse=True):
            text = text.replace(form, "***")
        if len(secret) >= _LEAST_ENCODED:
            text = re.sub(_in_base64(secret), "***", text)
    return text


def _in_base64(secret: str) -> str:
    """A pattern for the secret inside base64, whatever precedes it (three possible shifts)."""
    shifts = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode().rstrip("=")
        # The characters at both ends mix the secret's bits with its neighbours'.
        shifts.append(re.escape(encoded[(0, 2, 3)[shift] : -1]))
    return r"[A-Za-z0-9+/=]*(?:" + "|".join(shifts) + r")[A-Za-z0-9+/=]*"


def _tail(words: str, program: str) -> str:
    """Its last words on one line, without what a hostile server may have put into them."""
    plain = "".join(c if c.isprintable() else " " for c in words)
    plain = " ".join(plain.split())
    return f" ({program}: {plain[-_SHOWN:]})" if plain else ""
