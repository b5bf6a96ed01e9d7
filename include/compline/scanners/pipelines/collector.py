"""A data pipeline's inventory: what is declared, what its stores say, what its DAG uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from compline.config.targets.object_stores import ObjectStore
from compline.config.targets.stores import Dataset, Store
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.columns import remember
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.expectations.suite import Expectation
from compline.scanners.expectations.suite_file import built_in, load
from compline.scanners.pipelines import deployment, files
from compline.scanners.pipelines.agreements import StoreEntry
from compline.scanners.pipelines.connected import Lead, Used, declared_ids
from compline.scanners.pipelines.dag_source import Connections, connections
from compline.scanners.pipelines.frames import Told, inventory_of
from compline.scanners.pipelines.links import links_of
from compline.scanners.pipelines.places import wanted_addresses
from compline.store.standing import Defect, Standing

PACKAGES = ("pyyaml", "httpx")
STORES_ARE_JUDGED_BY = "data-expectations"
COLUMNS_ARE_JUDGED_BY = "column-content"


def variant(_asked: Asked) -> str:
    """Every pipeline is judged the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Reads the declaration and the DAG's source, and asks the store how the data stores stand.

    They stand as at their last completed looks; those of the same run count if they are recorded.

    Raises:
        CannotCollect: the declaration or the DAG cannot be read.
    """
    flow, sources = _flow(asked)
    names = sorted({hop["store"] for hop in flow["hops"]})
    entries = {entry.name: entry for entry in asked.config.targets.data_stores}
    used, more = _used(asked, flow, entries)
    told = Told(
        flow,
        {name: _entry(entry) for name, entry in entries.items() if name in names},
        asked.standing(names, STORES_ARE_JUDGED_BY),
        asked.now,
        int(asked.values.get("stale_hours") or 36),
        asked.standing(names, COLUMNS_ARE_JUDGED_BY),
        used,
        asked.values.get("connections_elsewhere") or (),
        [source.row for source in (*sources, *more)],
    )
    settings = asked.target.settings
    links = links_of(
        asked.target.name,
        flow,
        frozenset(entries),
        str(settings.get("dag") or ""),
        str(settings.get("repository") or ""),
    )
    return replace(inventory_of(told), links=links)


def recorded(answers: Mapping[str, Any], _asked: Asked) -> Inventory:
    """The inventory of a recorded flow and recorded standings."""
    now = datetime.fromisoformat(answers["now"])
    leads = {
        name: Lead(**lead) if lead else None for name, lead in answers.get("leads", {}).items()
    }
    told = Told(
        answers["flow"],
        {name: _recorded_entry(entry) for name, entry in answers["stores"].items()},
        _recorded(answers["defects"], now, answers.get("told") or {}),
        now,
        36,
        _recorded(answers.get("columns", {}), now, {}),
        Used(
            Connections(frozenset(answers["used"]), ()), "", leads, answers.get("addresses") or {}
        ),
    )
    return inventory_of(told)


def _recorded_entry(entry: Mapping[str, Any]) -> StoreEntry:
    suites = (built_in(entry["kind"]).expectations, built_in("content").expectations)
    return StoreEntry(entry["kind"], entry["policy"], entry.get("classes", {}), *suites)


def _recorded(
    defects: Mapping[str, Any], now: datetime, told: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Standing]:
    return {
        name: Standing(
            now,
            "completed",
            (),
            tuple(Defect(d["rule"], d["subject"], tuple(d["cwe"]), "") for d in found),
            remember(told.get(name, {})),
        )
        for name, found in defects.items()
    }


def _flow(asked: Asked) -> tuple[Mapping[str, Any], list[files.Source]]:
    declared, file = asked.target.settings.get("flow"), asked.target.settings.get("flow_file")
    if bool(declared) == bool(file):
        raise CannotCollect(f"{asked.target.name} needs either `flow:` or `flow_file:`")
    if declared:
        flow: Mapping[str, Any] = declared
        return flow, []
    source = files.read(asked, "flow", str(file))
    return files.flow_of(source), [source]


def _used(
    asked: Asked, flow: Mapping[str, Any], entries: Mapping[str, Store]
) -> tuple[Used | None, list[files.Source]]:
    airflow, file = asked.target.settings.get("airflow"), asked.target.settings.get("dag_file")
    if airflow:
        for entry in asked.config.targets.airflow:
            if entry.name == airflow:
                wanted = wanted_addresses(flow, entries, asked.secrets)
                return deployment.ask(asked, entry, declared_ids(flow), wanted)
        raise CannotCollect(f"no Airflow is listed as {airflow}")
    if not file:
        return None, []
    source = files.read(asked, "dag", str(file))
    try:
        found = connections(source.text, str(asked.target.settings.get("dag") or ""))
    except ValueError as error:
        raise CannotCollect(f"{source.place}: {error}") from None
    return Used(found), [source]


def _entry(entry: Store) -> StoreEntry:
    buckets = entry.buckets if isinstance(entry, ObjectStore) else []
    classes = {one.name: one.classification for one in buckets if one.classification}
    kind = str(getattr(entry, "kind", ""))
    suite: Sequence[Expectation] = ()
    if not isinstance(entry, Dataset):
        suite = (load(entry.suite) if entry.suite else built_in(kind)).expectations
    return StoreEntry(kind, entry.policy, classes, suite, built_in("content").expectations)
