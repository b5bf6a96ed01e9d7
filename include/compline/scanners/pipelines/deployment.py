"""Asks a running Airflow for one DAG's source and its connections; two sorts of reading calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from compline.config.targets.airflow import Airflow
from compline.model import Gap, GapReason
from compline.scanners.airflow import inside
from compline.scanners.airflow.connections import transport
from compline.scanners.airflow.rest import Answer, Rest, reading
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.pipelines.connected import Lead, Used
from compline.scanners.pipelines.dag_source import Connections, connections
from compline.scanners.pipelines.files import LARGEST, Source

MOST_CONNECTIONS = 200
"""Of one DAG; each costs a call."""


def ask(
    asked: Asked, entry: Airflow, declared: Iterable[str], wanted: Mapping[str, str]
) -> tuple[Used, list[Source]]:
    """What the deployment tells of the pipeline's DAG.

    Args:
        asked: with the pipeline's settings.
        entry: the deployment.
        declared: ids of connections that the flow declares.
        wanted: by id the address that its hop's store has.

    Raises:
        CannotCollect: no whole answer; or it knows no such DAG.
        SecretMissing: the credential is not there.
    """
    dag = asked.text("dag")
    if entry.url is None or entry.credential is None:
        named, sources, gaps = _from_inside(asked, dag)
        detail = f"the entry of {entry.name} has no `url` and `credential` to ask for them"
        gaps.append(Gap(GapReason.NOT_REPORTED, "connection/", detail))
        return Used(named, entry.name, {}, wanted, gaps), sources
    credential = asked.secrets.resolve(entry.credential)
    with reading(entry.url, credential, asked.seconds) as rest:
        named, sources, gaps = _source(rest, asked, dag, entry.name)
        ids = sorted({*declared, *(named.named if named else ())})
        leads: dict[str, Lead | None] = {}
        for one in ids[:MOST_CONNECTIONS]:
            answer = rest.get(f"api/v2/connections/{quote(one, safe='')}")
            if answer.status == 403:
                detail = f"{entry.name} answers 403: the account may not see connections"
                gaps.append(Gap(GapReason.FORBIDDEN, "connection/", detail))
                break
            leads[one] = _lead(answer, one)
        if len(ids) > MOST_CONNECTIONS:
            detail = f"the first {MOST_CONNECTIONS} of {len(ids)} connections were asked for"
            gaps.append(Gap(GapReason.TOO_MANY, "connection/", detail))
    return Used(named, entry.name, leads, wanted, gaps), sources


def _source(
    rest: Rest, asked: Asked, dag: str, name: str
) -> tuple[Connections | None, list[Source], list[Gap]]:
    path = f"api/v2/dagSources/{quote(dag, safe='')}"
    answer = rest.get(path)
    if answer.status == 404:
        raise CannotCollect(
            f"{name} knows no DAG {dag}: its id is another, it was removed, or its file fails to "
            "import there"
        )
    place = f"{name}:{path}"
    if answer.status == 403:
        return None, [], [_hidden(f"{name} answers 403 to {path}: the account may not see it")]
    if answer.status != 200:
        raise CannotCollect(f"{path} answers {answer.status}; is this an Airflow 3?")
    told = answer.json(path)
    text = told.get("content") if isinstance(told, dict) else None
    if not isinstance(text, str):
        raise CannotCollect(f"{path}: the answer has no content")
    if not text or text.startswith("REDACTED"):
        return None, [], [_hidden(f"{name} does not show the account the source of {dag}")]
    return _parsed(text, place), [Source("dag", text, place, "", asked.now)], []


def _from_inside(asked: Asked, dag: str) -> tuple[Connections | None, list[Source], list[Gap]]:
    """The source from the DAGs folder of the deployment that runs us."""
    if asked.airflow is None:
        raise CannotCollect(
            f"{asked.target.name}: only a run by Airflow sees its own deployment; give its entry a "
            "`url` and a `credential`"
        )
    texts, unread = inside.sources(asked.airflow)
    for file, text in sorted(texts.items()):
        if dag in text:
            try:
                found = connections(text, dag)
            except ValueError:
                continue
            return found, [Source("dag", text, f"dags folder:{file}", "", asked.now)], []
    why = "; ".join(sorted({f"{gap.path} {gap.detail}" for gap in unread}))
    return None, [], [_hidden(f"no file of the DAGs folder names the DAG {dag}. {why}".strip())]


def _hidden(detail: str) -> Gap:
    return Gap(GapReason.FORBIDDEN, "connection/", detail)


def _parsed(text: str, place: str) -> Connections:
    """Airflow itself says whose source it is; the id may be worked out in it."""
    if len(text) > LARGEST:
        raise CannotCollect(f"{place}: more than {LARGEST // 1_000_000} MB")
    try:
        return connections(text)
    except ValueError as error:
        raise CannotCollect(f"{place}: {error}") from None


def _lead(answer: Answer, name: str) -> Lead | None:
    path = f"api/v2/connections/{name}"
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise CannotCollect(f"{path} answers {answer.status}; is this an Airflow 3?")
    told = answer.json(path)
    try:
        kind, host = str(told["conn_type"] or ""), str(told["host"] or "")
        extra = json.loads(told["extra"] or "{}")
        schema, port = str(told.get("schema") or ""), told.get("port")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotCollect(f"{path}: it is not shaped as Airflow's connections are") from None
    extra = extra if isinstance(extra, dict) else {}
    return Lead(kind, transport(kind, host, schema, extra), _address(kind, host, port, extra))


_PORTS = {"postgres": 5432, "redis": 6379}


def _address(kind: str, host: str, port: object, extra: Mapping[str, Any]) -> str:
    """host or host:port, without what else a URL may hold."""
    lowered = {str(key).lower().rpartition("__")[2]: value for key, value in extra.items()}
    named = host or str(lowered.get("endpoint_url") or lowered.get("account_url") or "")
    if kind == "kafka" and not named:
        return str(lowered.get("bootstrap.servers") or "").partition(",")[0].strip()
    return address_of(named, port or _PORTS.get(kind))


def address_of(url: str, port: object = None) -> str:
    """host or host:port of a URL, or of a host that stands alone; empty if there is none."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        number = parts.port or port
        host = parts.hostname or ""
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{number}" if host and number else shown
