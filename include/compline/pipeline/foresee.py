"""What a run would stumble over, seen before it: for `compline config check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from compline.config.loader import Loc
from compline.config.schema import Config
from compline.config.targets.listed import Listed
from compline.config.targets.registries import Mlflow
from compline.config.targets.stores import Inventoried
from compline.scanners.expectations.policy import PolicyError, bind
from compline.scanners.expectations.suite_file import SuiteError, built_in, load
from compline.scanners.registries.policy import RegistryPolicyError, parse_policy


def wrong_policies(config: Config) -> Iterator[tuple[Loc, str]]:
    """Policies that their scanner would refuse, and suites that cannot be read: place and why."""
    for where, entry in _entries(config):
        if not isinstance(entry, Inventoried):
            continue
        try:
            bind(load(entry.suite) if entry.suite else built_in(entry.inventory), entry.policy)
        except PolicyError as error:
            yield (*where, "policy"), str(error)
        except SuiteError as error:
            yield (*where, "suite"), str(error)
    for number, registry in enumerate(config.targets.model_registries):
        if not isinstance(registry, Mlflow):
            continue
        try:
            parse_policy(registry.policy)
        except RegistryPolicyError as error:
            yield ("targets", "model_registries", number, "policy"), str(error)


def not_here(config: Config, environment: Mapping[str, str]) -> Iterator[tuple[Loc, str]]:
    """Files and variables that are missing on this machine, though another may have them."""
    for where, path in _paths(config):
        if not path.exists():
            yield where, f"{path} is not here"
    for where, reference in _references(config):
        scheme, _, name = reference.partition(":")
        if scheme == "env" and not environment.get(name):
            yield where, f"the environment variable {name} is not set here"


def _entries(config: Config) -> Iterator[tuple[Loc, Listed]]:
    for group, entries in config.targets.groups().items():
        for number, entry in enumerate(entries):
            yield ("targets", group, number), entry


def _paths(config: Config) -> Iterator[tuple[Loc, Path]]:
    for where, entry in _entries(config):
        for field, path in entry.paths():
            yield (*where, field), path
    for number, rules in enumerate(config.scanners.semgrep.rules):
        yield ("scanners", "semgrep", "rules", number), rules
    for key in ("osv", "trivy_db"):
        source = getattr(config.advisories, key)
        if isinstance(source, Path):
            yield ("advisories", key), source


def _references(config: Config) -> Iterator[tuple[Loc, str]]:
    if config.store:
        yield ("store",), config.store
    for where, entry in _entries(config):
        for field, reference in entry.references():
            yield (*where, field), reference
    for number, channel in enumerate(config.alerts.channels):
        yield ("alerts", "channels", number, "url"), channel.url
