"""Airflow's own configuration as a task sees it: a key that nobody has set is not there."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

_ASK = """
import json
from compline_airflow.own import ThisAirflow
own = ThisAirflow()
asked = ["api_auth.jwt_secret", "api.secret_key", "core.fernet_key", "core.load_examples",
         "fab.session_lifetime_minutes", "core.simple_auth_manager_passwords_file"]
print("ANSWER" + json.dumps({name: own.setting(*name.split(".")) for name in asked}))
"""
_JUDGE = """
import json
from compline.scanners.airflow import inside, settings
from compline_airflow.own import ThisAirflow
found = settings.states(inside.options_of(ThisAirflow()), 24)
print("ANSWER" + json.dumps({name: state for name, (state, _) in found.items()}))
"""
KEYS = ("fernet_key", "jwt_secret", "api_secret_key")


def answer(code: str, home: Path, **options: str) -> Any:
    """What the code prints in a process of a deployment with these options."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW__")},
            "AIRFLOW_HOME": str(home),
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout.partition("ANSWER")[2])


def test_keys_that_airflow_would_make_up_are_none(tmp_path: Path) -> None:
    options = {
        "API__SECRET_KEY": "",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__FERNET_KEY_CMD": "printf from-a-command",
    }
    assert answer(_ASK, tmp_path, **options) == {
        "api_auth.jwt_secret": None,
        "api.secret_key": "",
        "core.fernet_key": "from-a-command",
        "core.load_examples": "False",
        "fab.session_lifetime_minutes": None,
        "core.simple_auth_manager_passwords_file": None,
    }


def test_keys_that_are_published_short_or_good(tmp_path: Path) -> None:
    """Airflow's own reading of its options, judged as the audit does."""
    published = {
        "CORE__FERNET_KEY": "46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=",
        "API_AUTH__JWT_SECRET": "airflow_jwt_secret",
        "API__SECRET_KEY": "temporary",
    }
    bad = answer(_JUDGE, tmp_path, **published)
    assert [bad[name] for name in KEYS] == ["known", "known", "short"]
    assert bad["examples"] == "loaded", "Airflow's own default"

    drawn = {
        "CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "API__SECRET_KEY": secrets.token_hex(32),
    }
    good = answer(_JUDGE, tmp_path, **drawn)
    assert [good[name] for name in KEYS] == ["set", "set", "set"]
