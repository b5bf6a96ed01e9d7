"""Who may be let into a bucket, as the frames name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """Somebody, or a set of them."""

    reach: str
    """`own`, `public`, `authenticated` (everyone with an account of the provider), `account`
    (another one), `organisation`, `network` or `service`."""
    name: str
    """For people."""
    names: tuple[str, ...] = ()
    """What the policy's `allowed_accounts` may call it."""


EVERYONE = Identity("public", "everyone")


def identity_of_account(name: str, account: str) -> Identity:
    """Another account, or the own one; without knowing the own one every account is another."""
    return Identity("own" if account and name == account else "account", name, (name,))
