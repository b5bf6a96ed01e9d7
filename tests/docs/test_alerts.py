"""Every option of the alerts is on the page, and the page's signature check is right."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compline.alerts.webhook import signature
from compline.config import alerts
from compline.config.loader import parse_config
from compline.config.upkeep import Health
from compline.model import RegressionKind


def section(guides: dict[str, str]) -> str:
    return guides["README.md"].split("\n## Alerts\n")[1].split("\n## ")[0]


def example(guides: dict[str, str]) -> str:
    return re.findall(r"```yaml\n(.*?)```", section(guides), re.DOTALL)[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "model",
    [
        alerts.Alerts, alerts.Channel, alerts.Rule, alerts.When, alerts.Digest, alerts.Quiet,
        alerts.Owners, Health,
    ],
)  # fmt: skip
def test_every_option_is_shown(guides: dict[str, str], model: Any) -> None:
    shown = example(guides)
    missing = [name for name in model.model_fields if not re.search(rf"\b{name}:", shown)]
    assert missing == []


def test_the_example_is_valid(guides: dict[str, str]) -> None:
    config = parse_config("organisation: acme\n" + example(guides), Path("compline.yaml"))
    assert [rule.name for rule in config.alerts.rules_in_force()] == [
        "page", "team", "rest", "console",
    ]  # fmt: skip


def test_every_kind_is_explained(guides: dict[str, str]) -> None:
    named = set(re.findall(r"`([a-z-]+)`", "\n".join(
        line.split("|")[1] for line in section(guides).splitlines() if line.startswith("| `")
    )))  # fmt: skip
    assert named == {kind.value for kind in RegressionKind}


def test_the_signature_check_of_the_page(guides: dict[str, str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", guides["docs/webhook.md"], re.DOTALL)
    module: dict[str, Any] = {}
    exec(compile(code, "docs/webhook.md", "exec"), module)
    module["time"] = SimpleNamespace(time=lambda: 1_000_100.0)
    headers = {
        "Compline-Timestamp": "1000000",
        "Compline-Signature": f"v1={signature(b'key', '1000000', b'body')}",
    }
    assert module["is_ours"](b"key", headers, b"body")
    assert not module["is_ours"](b"key", headers, b"body.")
    assert not module["is_ours"](b"other", headers, b"body")
    assert not module["is_ours"](b"key", headers | {"Compline-Timestamp": "1000001"}, b"body")
    module["time"] = SimpleNamespace(time=lambda: 1_000_301.0)
    assert not module["is_ours"](b"key", headers, b"body")
