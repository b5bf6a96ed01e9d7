"""Lines after the published formats, and lines that real servers wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from compline.config.targets.logs import Access
from compline.scanners.access.canary import CanaryMissed, prove
from compline.scanners.access.download import Download, Malformed
from compline.scanners.access.setup import Setup

# The user guide's example of S3, for another operation.
S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be models "
    "[06/Feb/2019:00:00:38 +0000] 192.0.2.3 {requester} 3E57427F3EXAMPLE {operation} {key} "
    '"{request} HTTP/1.1" {status} - {sent} 3462992 70 10 "-" "S3Console/0.4" - '
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 "
    "ECDHE-RSA-AES128-GCM-SHA256 AuthHeader models.s3.us-west-1.amazonaws.com TLSv1.2 - Yes"
)
ROLE = "arn:aws:sts::123456789012:assumed-role"


def read(kind: str, line: str, **access: Any) -> Download | None:
    paths = access.pop("paths", ["/models/{model}/{version}/**"])
    setup = Setup.made(kind, Access(paths=paths, **access))
    request = setup.parse(line)
    return setup.download_of()(request) if request is not None else None


def s3(**fields: Any) -> str:
    values = {
        "requester": "arn:aws:iam::123456789012:user/ann",
        "operation": "REST.GET.OBJECT",
        "key": "fraud/3/w.bin",
        "request": "GET /models/fraud/3/w.bin",
        "status": "200",
        "sent": "3462992",
        **fields,
    }
    return S3.format(**values)


def test_an_object_of_s3() -> None:
    assert read("s3", s3()) == Download(
        datetime(2019, 2, 6, 0, 0, 38, tzinfo=UTC),
        "arn:aws:iam::123456789012:user/ann",
        "192.0.2.0/24",
        "fraud",
        "3",
        3462992,
    )


@pytest.mark.parametrize(
    ("requester", "principal"),
    [
        ("-", "anonymous"),
        ("a" * 64, "a" * 64),
        (f"{ROLE}/trainer/i-0123456789", f"{ROLE}/trainer"),
        (f"{ROLE}/AWSReservedSSO_Data_1/ann", f"{ROLE}/AWSReservedSSO_Data_1/ann"),
    ],
)
def test_requesters_of_s3(requester: str, principal: str) -> None:
    download = read("s3", s3(requester=requester))
    assert download is not None
    assert download.principal == principal


def test_a_copy_reads_as_well_and_sends_nothing() -> None:
    download = read("s3", s3(operation="REST.COPY.OBJECT_GET", sent="-"))
    assert download is not None
    assert download.bytes == 3462992


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "REST.HEAD.OBJECT"},
        {"operation": "REST.GET.VERSIONING", "key": "-"},
        {"status": "403"},
        {"key": "other.txt"},
    ],
)
def test_what_is_no_download_of_s3(fields: dict[str, str]) -> None:
    assert read("s3", s3(**fields)) is None


def test_keys_are_encoded_twice() -> None:
    download = read("s3", s3(key="big%2520model/3/w.bin"))
    assert download is not None
    assert download.model == "big model"


COMBINED = '192.0.2.7 - {user} [23/Nov/2026:13:29:07 +0100] "{request}" {status} 832 "-" "curl/8"'
GET = "GET /models/fraud/3/w.bin HTTP/1.1"


@pytest.mark.parametrize(
    "target",
    [
        "/models/fraud/3/w.bin",
        "//models/./fraud/3/w.bin",
        "/x/../models/fraud/3/w.bin",
        "/%6dodels/fraud/3/w%0a.bin",
        "http://host/models/fraud/3/w.bin",
    ],
)
def test_one_model_whatever_it_is_written_like(target: str) -> None:
    download = read(
        "combined", COMBINED.format(user="ann", request=f"GET {target} HTTP/1.1", status=206)
    )
    assert download is not None
    assert (download.principal, download.model, download.version) == ("ann", "fraud", "3")


@pytest.mark.parametrize(
    ("request_", "status"),
    [(GET, 401), (GET, 304), (GET.replace("GET", "HEAD"), 200), (r"\x16\x03\x01", 400), ("", 400)],
)
def test_what_is_no_download(request_: str, status: int) -> None:
    line = COMBINED.format(user="-", request=request_, status=status)
    assert read("combined", line) is None


def test_the_forwarded_client_is_the_one_that_our_proxy_saw() -> None:
    line = COMBINED.format(user="-", request=GET, status=200) + ' "10.9.9.9, 203.0.113.8"'
    whole = {"forwarded": True, "addresses": "whole"}
    download = read("combined", line, **whole)
    assert download is not None
    assert (download.principal, download.network) == ("anonymous", "203.0.113.8")
    with pytest.raises(Malformed):
        read("combined", COMBINED.format(user="-", request=GET, status=200), **whole)


@pytest.mark.parametrize(
    ("keep", "network"),
    [("truncated", "2001:db8:1::/48"), ("whole", "2001:db8:1:2::3"), ("none", "")],
)
def test_what_is_kept_of_an_address(keep: str, network: str) -> None:
    line = COMBINED.format(user="ann", request=GET, status=200)
    line = line.replace("192.0.2.7", "2001:db8:1:2::3")
    download = read("combined", line, addresses=keep)
    assert download is not None
    assert download.network == network


def test_a_presigned_url_is_its_keys_and_nothing_of_it_is_kept() -> None:
    query = "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261123%2Fx%2Fs3%2Faws4_request"
    request = f"GET /models/fraud/3/w.bin?{query}&X-Amz-Signature=feedbeef HTTP/1.1"
    download = read("combined", COMBINED.format(user="-", request=request, status=200))
    assert download is not None
    assert download.principal.startswith("access key ...MPLE (")
    assert not any(part in repr(download) for part in ("feedbeef", "AKIAIOSF", "X-Amz"))


def test_a_token_as_a_name_is_not_kept() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
    download = read("combined", COMBINED.format(user=token, request=GET, status=200))
    assert download is not None
    assert "looks like a secret" in download.principal
    assert token not in repr(download)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        COMBINED.format(user="ann", request=GET, status=200).replace("Nov", "Nev"),
        COMBINED.format(user="ann", request=GET, status=200).replace("23/", "31/"),
        COMBINED.format(
            user='x [23/Nov/2026:13:29:07 +0100] "GET / HTTP/1.1"', request=GET, status=1
        ),
        COMBINED.format(user="ann", request=GET, status=200)[:-30],
    ],
)
def test_broken_lines(line: str) -> None:
    with pytest.raises(Malformed):
        read("combined", line)


def test_no_client_of_s3_can_hide_a_download() -> None:
    forged = '" 404 NoSuchKey 1 - 1 1 "-" "-'
    for line in (
        s3(request=f"GET /models/fraud/3/w.bin?{forged}"),
        s3().replace("S3Console/0.4", f"x{forged}"),
    ):
        download = read("s3", line)
        assert download is not None
        assert download.bytes == 3462992
    with pytest.raises(Malformed):
        read("s3", s3(status="two"))


RUN = "314b3ed7460347f2841dbcde09444e0e"
UVICORN = '2026/11/23 13:28:57 INFO:     127.0.0.1:40040 - "GET {} HTTP/1.1" 200 OK'
GUNICORN = '127.0.0.1 - admin [23/Nov/2026:13:29:20 +0000] "GET {} HTTP/1.1" 200 0 "-" "mlflow/3"'


@pytest.mark.parametrize(
    ("target", "model", "version"),
    [
        (f"/api/2.0/mlflow-artifacts/artifacts/0/{RUN}/artifacts/model/w.bin", RUN, ""),
        ("/api/2.0/mlflow-artifacts/artifacts/0/models/m-1/artifacts/MLmodel", "m-1", ""),
        ("/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=w", "m-1", ""),
        (f"/api/2.0/mlflow-artifacts/presigned/0/{RUN}/artifacts/model/w.bin", RUN, ""),
        ("/model-versions/get-artifact?name=fraud&version=1&path=w.bin", "fraud", "1"),
        (f"/get-artifact?run_uuid={RUN}&path=model/w.bin", RUN, ""),
        (f"/get-artifact?run_id={RUN}&path=model/w.bin", RUN, ""),
    ],
)
def test_lines_that_mlflow_wrote(target: str, model: str, version: str) -> None:
    for line, principal in ((UVICORN, "network 127.0.0.0/24"), (GUNICORN, "admin")):
        download = read("mlflow", line.format(target), paths=[])
        assert download is not None
        assert (download.principal, download.model, download.version) == (principal, model, version)
        assert download.bytes is None


@pytest.mark.parametrize(
    "target",
    [
        f"/api/2.0/mlflow-artifacts/artifacts/0/{RUN}/artifacts/model/w.bin",
        f"/get-artifact?path=model/w.bin&run_uuid={RUN}",
        f"/api/2.0/mlflow-artifacts/presigned/0/{RUN}/artifacts/model/w.bin",
    ],
)
def test_the_log_of_mlflows_proxy_needs_no_paths(target: str) -> None:
    line = f'192.0.2.7 - ann [23/Nov/2026:13:29:20 +0000] "GET {target} HTTP/1.1" 200 9 "-" "-"'
    download = read("combined", line, paths=[], registry="models")
    assert download is not None
    assert (download.principal, download.model) == ("ann", RUN)
    assert read("combined", line, paths=["/x/{model}"]) is None


def test_what_else_mlflow_writes_is_no_broken_line() -> None:
    assert read("mlflow", "2026/11/23 13:28:45 INFO:     Application startup complete.") is None
    assert read("mlflow", UVICORN.format("/api/2.0/mlflow/runs/get?run_id=1")) is None
    with pytest.raises(Malformed):
        read("mlflow", 'INFO: 127.0.0.1 "GET / HTTP/1.1" 200')


@pytest.mark.parametrize("kind", ["combined", "s3", "mlflow"])
def test_the_canary(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prove(kind)
    monkeypatch.setattr("compline.scanners.access.judge._FEW_DAYS", 99)
    monkeypatch.setattr("compline.scanners.access.judge._HOUR_DAYS", 99)
    with pytest.raises(CanaryMissed, match="unusual-hour"):
        prove(kind)
