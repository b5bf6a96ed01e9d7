"""A real, badly kept `airflow standalone`, over REST and as a task of its own would see it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.timeout(400)
LOGIN = "admin:admin"


def rules(found: Any, look: Any) -> set[tuple[str, str]]:
    return {key for key in found(look) if not key[0].startswith("package-with")}


def test_over_rest(look_at: Any, found: Any, recording: Any) -> None:
    look = look_at(url=recording.url, credential=LOGIN, policy={"admins": ["ann"]})

    assert rules(found, look) == {
        ("simple-auth-manager", "setting/authentication"),
        ("undeclared-administrator", "account/admin"),
        ("no-fernet-key", "setting/fernet_key"),
        ("exposed-configuration", "setting/expose_config"),
    }
    assert {gap.path for gap in look.outcome.gaps} == set()
    print(recording.calls)
