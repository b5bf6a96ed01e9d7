"""Airflow's own configuration as a task sees it: a key that nobody has set is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_ASK = """
import json
from compline_airflow.own import ThisAirflow
own = ThisAirflow()
asked = ["api_auth.jwt_secret", "api.secret_key", "core.fernet_key", "core.load_examples",
         "fab.session_lifetime_minutes", "core.simple_auth_manager_passwords_file"]
print("ANSWER" + json.dumps({name: own.setting(*name.split(".")) for name in asked}))
"""


def test_keys_that_airflow_would_make_up_are_none(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW__")},
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__API__SECRET_KEY": "",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY_CMD": "printf from-a-command",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout.partition("ANSWER")[2]) == {
        "api_auth.jwt_secret": None,
        "api.secret_key": "",
        "core.fernet_key": "from-a-command",
        "core.load_examples": "False",
        "fab.session_lifetime_minutes": None,
        "core.simple_auth_manager_passwords_file": None,
    }
