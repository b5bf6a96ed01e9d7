"""References resolve where they can, and say what to do where they cannot."""

import pytest

from compline.config.secrets import SecretMissing, SecretResolver


def test_environment() -> None:
    assert SecretResolver({"TOKEN": "abc"}).resolve("env:TOKEN") == "abc"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SecretMissing, match="set the environment variable TOKEN"):
        SecretResolver({}).resolve("env:TOKEN")


def test_airflow_needs_airflow() -> None:
    with pytest.raises(SecretMissing, match="only readable inside Airflow"):
        SecretResolver({}).resolve("airflow:git")


def test_airflow_is_asked_by_connection_id() -> None:
    resolver = SecretResolver({}, airflow={"git": "token"}.__getitem__)
    assert resolver.resolve("airflow:git") == "token"
