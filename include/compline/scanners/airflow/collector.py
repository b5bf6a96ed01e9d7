"""A deployment of Airflow, over REST and, where it runs us, from within a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compline.scanners.airflow import inside
from compline.scanners.airflow.asking import Answers, ask
from compline.scanners.airflow.assets import links_of
from compline.scanners.airflow.frames import COLUMNS, Inside, Seen, installed, inventory_of
from compline.scanners.airflow.own import OwnAirflow
from compline.scanners.airflow.packages import advisory_rows, row_of
from compline.scanners.airflow.rest import reading
from compline.scanners.airflow.settings import authentication
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import (
    CannotCollect,
    Inventory,
    frame_of,
    records,
)
from compline.scanners.lineage.known import KnownAssets

PACKAGES = ("httpx", "packaging")


def variant(_asked: Asked) -> str:
    """Every deployment is read the same way."""
    return ""


def collect(asked: Asked) -> Inventory:
    """Asks over REST where there is an address, and looks around inside where we are inside.

    Raises:
        CannotCollect: no whole answer, or there is no way to ask from here.
    """
    settings = asked.target.settings
    answers = Answers()
    if settings.get("url"):
        reference = settings.get("credential")
        credential = asked.secret("credential") if reference else None
        option = "scanners.airflow-audit.seconds"
        with reading(asked.text("url"), credential, asked.seconds, option) as rest:
            answers = ask(rest, logged_in=credential is not None)
    elif asked.airflow is None:
        raise CannotCollect(
            f"{asked.target.name}: only a run by Airflow sees its own deployment; give it a `url` "
            "and a `credential` to be looked at from elsewhere"
        )
    within = None
    if settings.get("here") and asked.airflow is not None:
        within = _within(asked.airflow, sources="dags" not in answers.parts)
    advisories = advisory_rows(installed(answers, within), asked)
    inventory = inventory_of(Seen(answers, within, advisories, asked.values, asked.now))
    links, gaps = links_of(answers, KnownAssets(asked.config))
    return replace(inventory, gaps=(*inventory.gaps, *gaps), links=links)


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The rows of all recorded deployments together: no single one can have every defect."""
    frames: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for each in answers["deployments"]:
        within = each["inside"]
        seen = Seen(
            Answers(dict(each["rest"])),
            Inside(
                {_option(name): value for name, value in within["options"].items()},
                passwords=within["passwords"],
                files=within["files"],
            ),
            ([row_of(**row) for row in each["advisories"]], []),
            asked.values,
            asked.now,
        )
        for name, frame in inventory_of(seen).frames.items():
            frames[name] += records(frame)
    return Inventory({name: frame_of(COLUMNS[name], rows) for name, rows in frames.items()})


def _option(name: str) -> tuple[str, str]:
    section, _, option = name.partition(".")
    return section, option


def _within(own: OwnAirflow, *, sources: bool) -> Inside:
    options = inside.options_of(own)
    files, gaps = inside.file_rows(own, simple=authentication(options)[0] == "simple")
    texts, more = inside.sources(own) if sources else ({}, [])
    return Inside(
        options,
        inside.packages(),
        inside.passwords(own, options),
        files,
        texts,
        [*gaps, *more],
    )
