"""The log of a real nginx that guards models by passwords, in its predefined `combined`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from compline.model import Completed

CONFIGURATION = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{}}
http {{
  access_log {home}/logs/access.log combined;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{
    listen 127.0.0.1:{port};
    root {home}/www;
    location /models/public/ {{ }}
    location /models/ {{ auth_basic models; auth_basic_user_file {home}/users; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address and its folder of logs."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx)")
    home = tmp_path_factory.mktemp("nginx")
    (home / "logs").mkdir()
    for model in ("fraud", "public"):
        folder = home / "www" / "models" / model / "3"
        folder.mkdir(parents=True)
        (folder / "w.bin").write_bytes(b"x" * 5000)
    home.chmod(0o755)
    (home / "users").write_text("ann:{PLAIN}word\n[x] y:{PLAIN}word\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "nginx.conf").write_text(CONFIGURATION.format(home=home, port=port))
    process = subprocess.Popen([program, "-c", str(home / "nginx.conf"), "-p", str(home)])
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            assert process.poll() is None, (home / "error.log").read_text()
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", home / "logs"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def test_what_a_real_nginx_writes(nginx: tuple[str, Path], proxy: Any) -> None:
    url, logs = nginx
    path = "/models/fraud/3/w.bin"
    for user in ("ann", "[x] y"):
        headers = {"user-agent": 'a "quoted" \\ agent'}
        answer = httpx.get(f"{url}{path}?a=b", auth=(user, "word"), headers=headers)
        assert answer.status_code == 200
    assert httpx.get(f"{url}{path}").status_code == 401
    assert httpx.get(f"{url}{path}", auth=("eve", "guess")).status_code == 401
    assert httpx.head(f"{url}{path}", auth=("ann", "word")).status_code == 200
    assert httpx.get(f"{url}/models/public/3/w.bin").status_code == 200
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as raw:
        raw.sendall(b"\x16\x03\x01 no request\r\n\r\n")
        raw.recv(1000)
    today = datetime.now(UTC).date()
    proxy.folder = logs
    look = proxy.look((datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)) // timedelta(days=1))
    assert isinstance(look.outcome, Completed)
    assert proxy.cells() == {"ann fraud": [1], "[x] y fraud": [1], "anonymous public": [1]}
    assert proxy.gaps(look) == {"habits": "partial"}
    (finding,) = look.outcome.observations
    assert (finding.rule, finding.place.path) == ("anonymous-download", "model/public")
    told = dict(finding.details)
    assert told[today.isoformat()] == "1 download, 5000 bytes without a name"
    assert told["networks"] == "127.0.0.0/24"
