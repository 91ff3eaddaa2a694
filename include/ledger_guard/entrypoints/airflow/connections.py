"""Connections kept in Airflow, for tasks whose environment does not carry them."""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import SourceUnavailable


def airflow_connection_settings(conn_id: str) -> ConnectionSettings:
    """Read an Airflow connection. Raises SourceUnavailable when Airflow has none of that id."""
    found = find_airflow_connection(conn_id)
    if found is None:
        allowed = f"a postgresql:// URI in AIRFLOW_CONN_{conn_id.upper()}, or a connection of type postgres in Airflow"
        raise SourceUnavailable(f"connection {conn_id}: is not set; allowed: {allowed}")
    return found


def find_airflow_connection(conn_id: str) -> ConnectionSettings | None:
    """Read an Airflow connection that may be missing. Raises SourceUnavailable when Airflow does not answer."""
    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
    except AirflowRuntimeError as error:
        raise SourceUnavailable(f"connection {conn_id}: Airflow does not return it ({error})") from error
    fields = {
        "host": found.host,
        "port": found.port,
        "login": found.login,
        "password": found.password,
        "schema": found.schema,
        "extra": found.extra_dejson,
    }
    return ConnectionSettings.from_fields(fields, conn_id)


def airflow_connection_password(conn_id: str) -> str | None:
    """The password of an Airflow connection, for a token. Raises SourceUnavailable when Airflow has none of that id."""
    try:
        password: str | None = BaseHook.get_connection(conn_id).password
    except (AirflowNotFoundException, AirflowRuntimeError) as error:
        raise SourceUnavailable(f"connection {conn_id}: Airflow has no connection of this id; create it with a token") from error
    return password
