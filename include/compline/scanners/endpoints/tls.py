"""How a server speaks TLS, asked by sslyze in its own environment, and what its JSON says."""

from __future__ import annotations

import ipaddress
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.http.addresses import Place
from compline.tools.process import ProcessLimits, ToolError, run
from compline.tools.toolbox import Tool

VERSIONS = {
    "ssl_2_0_cipher_suites": "SSL 2.0",
    "ssl_3_0_cipher_suites": "SSL 3.0",
    "tls_1_0_cipher_suites": "TLS 1.0",
    "tls_1_1_cipher_suites": "TLS 1.1",
    "tls_1_2_cipher_suites": "TLS 1.2",
    "tls_1_3_cipher_suites": "TLS 1.3",
}
"""sslyze's name of a scan to the version's."""
FLAWS = {
    "heartbleed": ("Heartbleed", "is_vulnerable_to_heartbleed", True),
    "openssl_ccs_injection": ("CCS injection", "is_vulnerable_to_ccs_injection", True),
    "tls_compression": ("compression (CRIME)", "supports_compression", True),
    "robot": ("ROBOT", "robot_result", ("VULNERABLE_WEAK_ORACLE", "VULNERABLE_STRONG_ORACLE")),
    "session_renegotiation": (
        "renegotiation by clients",
        "is_vulnerable_to_client_renegotiation_dos",
        True,
    ),
}
"""sslyze's name of a scan to the flaw, the field that tells, and what it says then."""
_SCANS = (
    *("--certinfo", "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"),
    *("--heartbleed", "--openssl_ccs", "--compression", "--robot", "--reneg"),
)


def scan(
    tool: Tool, place: Place, ca: Path | None, seconds: float, memory_mb: int, output_mb: int
) -> tuple[Mapping[str, Any], str]:
    """sslyze's result for the server, at the address that was found first, and its sandbox.

    Raises:
        CannotCollect: the tool broke, was too slow, or could not speak TLS to it at all.
    """
    host = f"[{place.host}]" if ":" in place.host else place.host
    target = f"{host}:{place.port}"
    if place.address != place.host:
        at = f"[{place.address}]" if ":" in place.address else place.address
        # Its own way to name the address: it resolves nothing then, and still sends the name.
        target = f"{target}{{{at}}}"
    words = [*_SCANS, "--mozilla_config", "disable", "--json_out=-"]
    if ca is not None:
        words += ["--certinfo_ca_file", str(ca)]
    try:
        done = run(
            [tool.executable, *words, target],
            limits=ProcessLimits(seconds, memory_mb, output_mb),
            readable=[tool.home, *([ca] if ca else [])],
            cwd=tool.home,
            network=True,
        )
    except ToolError as error:
        raise CannotCollect(f"sslyze: {error}") from None
    return read(done.stdout), done.sandbox


def read(report: bytes) -> Mapping[str, Any]:
    """The one server's result in sslyze's JSON.

    Raises:
        CannotCollect: it is no such report, or says that nothing could be looked at.
    """
    try:
        (server,) = json.loads(report)["server_scan_results"]
        status, result = server["connectivity_status"], server["scan_result"]
        if status != "COMPLETED":
            raise CannotCollect("sslyze could not make any TLS connection")
        if not any(part["status"] == "COMPLETED" for part in result.values()):
            raise CannotCollect("no scan of sslyze was completed")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CannotCollect("sslyze's report is not whole") from None
    return {name: _kept(part) for name, part in result.items() if name in _READ}


_READ = {"certificate_info", *VERSIONS, *FLAWS}


def _kept(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": part["status"], "result": part["result"]}


def done(tls: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The result of one scan; None where it was not completed."""
    part = tls.get(name) or {}
    result = part.get("result")
    return result if part.get("status") == "COMPLETED" and isinstance(result, Mapping) else None


def weak_ciphers(result: Mapping[str, Any], version: str) -> Iterator[dict[str, Any]]:
    """One row per weakness among the cipher suites that were accepted; one without any."""
    found: dict[str, list[str]] = defaultdict(list)
    names = [suite["cipher_suite"] for suite in result["accepted_cipher_suites"]]
    for suite in names:
        if weakness := _weakness(suite["name"], suite["key_size"], suite["is_anonymous"]):
            found[weakness].append(suite["name"])
    for weakness, weak in sorted(found.items()) or [("", [])]:
        yield {"version": version, "weakness": weakness, "suites": ", ".join(sorted(weak))}


def _weakness(name: str, key_size: int, anonymous: bool) -> str:
    if anonymous or "_anon_" in name:
        return "no authentication"
    if "NULL" in name:
        return "no encryption"
    if "EXPORT" in name or "_DES_" in name or (key_size and key_size < 112):
        return "short keys"
    if "RC4" in name or "RC2" in name or "IDEA" in name or "MD5" in name:
        return "broken algorithms"
    if "3DES" in name or "SEED" in name:
        return "small blocks"
    if name.startswith("TLS_RSA_"):
        return "no forward secrecy"
    return ""


def certificates(result: Mapping[str, Any], host: str, now: datetime) -> Iterator[dict[str, Any]]:
    """One row per certificate that the server has for the name."""
    for deployment in result["certificate_deployments"]:
        leaf = deployment["received_certificate_chain"][0]
        key = leaf["public_key"]
        kind = str(key["algorithm"]).removesuffix("PublicKey").lstrip("_").upper()
        size = int(key.get("key_size") or 0)
        ends = datetime.fromisoformat(leaf["not_valid_after"])
        begins = datetime.fromisoformat(leaf["not_valid_before"])
        days = int((ends - now).total_seconds() // 86400)
        names_it = _names(leaf["subject_alternative_name"], host)
        own = leaf["subject"]["rfc4514_string"] == leaf["issuer"]["rfc4514_string"]
        trusted = any(
            one["was_validation_successful"] for one in deployment["path_validation_results"]
        )
        in_time = days >= 0 and begins <= now
        algorithm = (leaf.get("signature_hash_algorithm") or {}).get("name") or ""
        yield {
            "certificate": kind,
            "subject": leaf["subject"]["rfc4514_string"],
            "days_left": days,
            "in_time": in_time,
            "names_host": names_it,
            # Where the name or the time is wrong nothing is trusted, and that has its own finding.
            "trust": "yes" if trusted else _mistrust(own, names_it and in_time),
            "key": f"{kind} {size}",
            "key_strong": size >= (224 if kind in ("ELLIPTICCURVE", "EC") else 2048)
            or kind.startswith("ED"),
            "signature": str(algorithm).lower(),
            "in_order": deployment["received_chain_has_valid_order"] is not False,
        }


def _mistrust(own: bool, only_trust: bool) -> str:
    if own:
        return "self-signed"
    return "unknown issuer" if only_trust else "not told"


def _names(alternative: Mapping[str, Any], host: str) -> bool:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return any(_fits(name.lower(), host) for name in alternative["dns_names"])
    return any(ipaddress.ip_address(each) == ip for each in alternative["ip_addresses"])


def _fits(pattern: str, host: str) -> bool:
    """RFC 6125: a star stands for the whole first label, and for nothing else."""
    if not pattern.startswith("*."):
        return pattern == host
    return host.partition(".")[2] == pattern[2:] and "." in pattern[2:]
