"""A real nginx before a model's files, well and badly configured, spoken to over real TLS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import model_servers
import pytest
from endpoints import HOST, Authority

from compline.model import Completed

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
pytestmark = pytest.mark.skipif(
    not Path(NGINX).exists(), reason="nginx is not installed: apt-get install nginx-light"
)
MAIN = """
daemon off; {user} pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; root {folder}/root; default_type application/json;
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  limit_req_zone $server_port zone=all:1m rate=1r/s; limit_req_status 429;
  ssl_certificate {pem}; ssl_certificate_key {key};
  {servers}
}}
"""
GOOD = """
  server_tokens off; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  add_header Strict-Transport-Security "max-age=31536000" always;
  add_header X-Content-Type-Options nosniff always;
  server {{ listen 127.0.0.1:{plain}; return 301 https://$host$request_uri; }}
  server {{
    listen 127.0.0.1:{port} ssl; limit_req zone=all burst=8 nodelay;
    if ($http_authorization != "Bearer {token}") {{ return 401; }}
  }}
"""
BAD = """
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0; autoindex on;
  add_header Strict-Transport-Security "max-age=300" always;
  add_header Access-Control-Allow-Origin $http_origin always;
  add_header Access-Control-Allow-Credentials true always;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{port} ssl;
    location = /server-status {{ stub_status; }}
  }}
"""


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def nginx(folder: Path, servers: str, certificate: tuple[Path, Path]) -> Iterator[tuple[int, int]]:
    """Ports with and without TLS."""
    port, plain = _free_ports()
    model = folder / "root" / "v1" / "models"
    model.mkdir(parents=True)
    (model / "scorer").write_text('{"name": "scorer"}')
    (folder / "root" / ".git").mkdir()
    (folder / "root" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "tmp").mkdir()
    # Its workers may read nothing of a test's folder otherwise.
    user = "user root;" if os.geteuid() == 0 else ""
    said = servers.format(plain=plain, port=port, token=model_servers.TOKEN)
    pem, key = certificate
    (folder / "nginx.conf").write_text(
        MAIN.format(folder=folder, servers=said, pem=pem, key=key, user=user)
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-p", folder, "-c", folder / "nginx.conf"], stdout=log, stderr=log
        )
        try:
            end = time.monotonic() + 20
            while True:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, "nginx does not take connections"
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port, plain
        finally:
            process.terminate()
            process.wait(20)


def test_a_good_nginx_is_clean(look_at: Any, authority: Authority, tmp_path: Path) -> None:
    with nginx(tmp_path, GOOD, authority.issue("nginx-good")) as (port, plain):
        look = look_at(port, path="", shape="kserve", plain_port=plain)
    assert look.outcome == Completed((), ())


def test_a_bad_nginx_is_found(
    look_at: Any, found: Any, authority: Authority, tmp_path: Path
) -> None:
    certificate = authority.issue("nginx-bad", bits=2048)
    with nginx(tmp_path, BAD, certificate) as (port, plain):
        look = look_at(port, path="", shape="kserve", plain_port=plain)
    assert set(found(look)) >= {
        ("answers-without-tls", "transport/plain-http"),
        ("hsts-missing", "header/strict-transport-security"),
        ("content-sniffing-allowed", "header/x-content-type-options"),
        ("server-version-told", "header/server"),
        ("old-tls-version", "tls/version/TLS 1.0"),
        ("old-tls-version", "tls/version/TLS 1.1"),
        ("no-forward-secrecy", "tls/cipher/TLS 1.2/no forward secrecy"),
        ("anonymous-call-answered", "access/anonymous"),
        ("wrong-credential-accepted", "access/wrong"),
        ("model-listing-open", "door/GET /v1/models"),
        ("management-path-open", "door/GET /server-status"),
        ("file-of-the-server-open", "door/GET /.git/HEAD"),
        ("cors-with-credentials", f"cors/https://{HOST}.compline-check.invalid"),
        ("no-rate-limit-seen", "limits"),
    }
    assert not any(gap.path.startswith("tls") for gap in look.outcome.gaps)
