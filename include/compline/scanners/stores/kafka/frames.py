"""Turns a Kafka cluster's answers into the frames that its suite speaks of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.stores import attested, certificate
from compline.scanners.stores.kafka.client import OF_LISTENERS, Answers

_COLUMNS: Mapping[str, Sequence[str]] = {
    "listeners": (
        "broker", "listener", "protocol", "address", "serves", "encrypted", "authenticated",
    ),
    "settings": ("broker", "setting", "value", "fit"),
    "acls": (
        "principal", "host", "operation", "permission", "resource", "pattern", "everyone",
        "every_resource", "beyond",
    ),
    "topics": ("topic", "classification", "labelled", "in_clear"),
    "labels": ("pattern", "classification", "topics"),
    "connection": ("protocol", "encrypted"),
    "certificates": certificate.COLUMNS,
    "attestations": attested.COLUMNS,
}  # fmt: skip
_PLACES = {"brokers": ("listener/", "setting/"), "acls": ("acl/",), "topics": ("topic/", "label/")}
_FRAMES = {"brokers": ("listeners", "settings"), "acls": ("acls",), "topics": ("topics", "labels")}
_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_HIDDEN = "leave it out of the configuration where it is as by default (false)"
_RIGHTS = {
    "brokers": "--operation DescribeConfigs --cluster",
    "acls": "--operation Describe --cluster",
    "topics": "--operation Describe --topic '*'",
}

_Row = dict[str, Any]


def inventory_of(answers: Answers, values: Mapping[str, Any], now: datetime) -> Inventory:
    """The inventory.

    Args:
        answers: the cluster's.
        values: the suite's parameters as the policy binds them.
        now: when certificates and attestations are judged.

    Raises:
        CannotCollect: an answer is shaped otherwise than asked for.
    """
    refused: dict[str, Gap] = {}
    gaps = []
    silent = sorted(number for number, told in answers.brokers.items() if not told)
    if silent and len(silent) == len(answers.brokers):
        _refuse(refused, "brokers", answers.refused.get("brokers", "no broker shows its settings"))
    else:
        for number in silent:
            for place in _PLACES["brokers"]:
                detail = f"broker {number} shows no settings"
                gaps.append(Gap(GapReason.FORBIDDEN, f"{place}{number}/", detail))
    shown = {}
    for number, settings in answers.brokers.items():
        shown[number] = {name: value for name, value in settings.items() if value is not None}
        for name in sorted(settings.keys() - shown[number].keys()):
            detail = f"broker {number} hides the value of {name}; {_HIDDEN}"
            gaps.append(Gap(GapReason.NOT_REPORTED, f"setting/{number}/{name}", detail))
    hidden = {gap.path for gap in gaps}
    for name, told in (("acls", answers.acls), ("topics", answers.topics)):
        if told is None:
            _refuse(refused, name, answers.refused.get(name, "refused"))
    try:
        listeners = [row for n, told in shown.items() for row in _listeners(n, told)]
        rows: dict[str, Iterable[_Row]] = {
            "listeners": listeners,
            "settings": [
                row
                for number, told in shown.items()
                if told
                for row in _settings(number, told, answers.secured)
                if f"setting/{number}/{row['setting']}" not in hidden
            ],
            "acls": [_acl(acl, values.get("grants") or {}) for acl in answers.acls or ()],
            **_topics(answers.topics or (), values.get("labels") or {}, listeners),
            "connection": [
                {"protocol": answers.protocol, "encrypted": answers.protocol.endswith("SSL")}
            ],
            "certificates": certificate.certificates(answers.handshakes, now),
            "attestations": attested.attestations(values, now),
        }
    except (ValueError, TypeError, KeyError) as error:
        raise CannotCollect("Kafka's answers are not understood") from error
    gaps += [
        Gap(GapReason.NOT_REPORTED, f"certificate/{one.host}", one.error)
        for one in answers.handshakes
        if one.error
    ]
    frames = {
        name: frame_of(_COLUMNS[name], rows[name]) for name in _COLUMNS if name not in refused
    }
    return Inventory(frames, refused, tuple(gaps))


def _refuse(refused: dict[str, Gap], name: str, reason: str) -> None:
    detail = f"{name}: {reason}; kafka-acls --add ... {_RIGHTS[name]}"
    for frame, place in zip(_FRAMES[name], _PLACES[name], strict=True):
        refused[frame] = Gap(GapReason.FORBIDDEN, place, detail)


def _listeners(broker: str, told: Mapping[str, str]) -> Iterator[_Row]:
    protocols = dict(
        entry.strip().split(":", 1)
        for entry in told.get("listener.security.protocol.map", "").split(",")
        if entry.strip()
    )
    controllers = {n.strip() for n in told.get("controller.listener.names", "").split(",")}
    for entry in filter(None, (part.strip() for part in told.get("listeners", "").split(","))):
        name, _, address = entry.partition("://")
        # Without a map a listener has the name of its protocol.
        protocol = protocols.get(name, name).upper()
        common = told.get("ssl.client.auth", "none")
        required = told.get(f"listener.name.{name.lower()}.ssl.client.auth", common) == "required"
        yield {
            "broker": broker,
            "listener": name,
            "protocol": protocol,
            "address": address,
            "serves": "controllers" if name in controllers else "clients",
            "encrypted": protocol.endswith("SSL"),
            "authenticated": protocol.startswith("SASL") or (protocol == "SSL" and required),
        }


def _settings(broker: str, told: Mapping[str, str], secured: bool) -> Iterator[_Row]:
    fit = {
        "authorizer.class.name": secured and bool(told.get("authorizer.class.name")),
        "allow.everyone.if.no.acl.found": (
            told.get("allow.everyone.if.no.acl.found", "false").lower() == "false"
        ),
        "auto.create.topics.enable": (
            told.get("auto.create.topics.enable", "false").lower() == "false"
        ),
        "ssl.enabled.protocols": not _versions(told.get("ssl.enabled.protocols", "")) & _OLD,
    }
    for name, is_fit in fit.items():
        value = told.get(name, "")
        yield {"broker": broker, "setting": name, "value": value, "fit": is_fit}
    for name, value in told.items():
        own = OF_LISTENERS.fullmatch(name)
        if own and own[2] == "ssl.enabled.protocols":
            yield {
                "broker": broker,
                "setting": own[2],
                "value": f"{value} (listener {own[1]})",
                "fit": not _versions(value) & _OLD,
            }


def _versions(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}


def _acl(acl: Sequence[str], grants: Mapping[str, Mapping[str, Sequence[str]]]) -> _Row:
    principal, host, operation, permission, kind, name, pattern = acl
    resource = f"{kind}:{name}" + ("*" if pattern == "prefixed" else "")
    declared = any(
        fnmatchcase(resource, wanted) and operation in {one.upper() for one in operations}
        for wanted, operations in grants.get(principal, {}).items()
    )
    return {
        "principal": principal,
        "host": host,
        "operation": operation,
        "permission": permission,
        "resource": resource,
        "pattern": pattern,
        # Whoever comes without a login is ANONYMOUS.
        "everyone": principal.endswith(":*") or principal == "User:ANONYMOUS",
        "every_resource": name == "*",
        "beyond": "" if declared else operation,
    }


def _topics(
    topics: Iterable[tuple[str, bool]], labels: Mapping[str, str], listeners: Iterable[_Row]
) -> dict[str, list[_Row]]:
    plain = {
        row["listener"] for row in listeners if not row["encrypted"] and row["serves"] == "clients"
    }
    in_clear = " ".join(sorted(plain))
    names = [name for name, internal in topics if not internal]
    found = []
    for name in names:
        classification = next((c for p, c in labels.items() if fnmatchcase(name, p)), "")
        found.append(
            {
                "topic": name,
                "classification": classification,
                "labelled": bool(classification),
                "in_clear": in_clear,
            }
        )
    counted = [
        {"pattern": p, "classification": c, "topics": sum(fnmatchcase(n, p) for n in names)}
        for p, c in labels.items()
    ]
    return {"topics": found, "labels": counted}
