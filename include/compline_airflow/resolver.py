"""Secrets from Airflow's connections, for references of the form `airflow:CONN_ID`."""

from __future__ import annotations

from airflow.sdk import Connection

from compline.config.secrets import SecretMissing, SecretResolver


def airflow_resolver() -> SecretResolver:
    """A resolver that also knows Airflow's connections; only for use inside tasks."""
    return SecretResolver(airflow=_secret_of)


def _secret_of(conn_id: str) -> str:
    """A connection's secret.

    With a `url` in its extras that; with a scheme of its own (`postgresql`, ...) its URI; with a
    login `login:password`; else the password alone.
    """
    try:
        connection = Connection.get(conn_id)
    except Exception as error:  # Airflow raises several kinds, some of them not public
        raise SecretMissing(
            f"airflow:{conn_id}: no such connection; add it in Airflow ({type(error).__name__})"
        ) from error
    url = connection.extra_dejson.get("url")
    if url:
        return str(url)
    if connection.host and connection.schema:
        return str(connection.get_uri())
    if connection.login:
        return f"{connection.login}:{connection.password}"
    if not connection.password:
        raise SecretMissing(f"airflow:{conn_id}: the connection holds no password")
    return str(connection.password)
