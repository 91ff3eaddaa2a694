"""Databases behind Airflow connections. Loads Airflow only when one is opened: most tasks and commands read none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger_guard.domain.errors import SourceUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine


def airflow_engine(conn_id: str) -> Engine:
    """An engine of the connection's own DB-API hook.

    Raises SourceUnavailable when Airflow has no such connection, or no provider is installed that has a DB-API hook for it.
    """
    from airflow.providers.common.sql.hooks.sql import DbApiHook  # noqa: PLC0415
    from airflow.sdk import BaseHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError  # noqa: PLC0415

    try:
        hook = BaseHook.get_hook(conn_id)
    except (AirflowException, AirflowRuntimeError) as error:
        raise SourceUnavailable(f"connection {conn_id}: can't be opened ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(hook, DbApiHook):
        raise SourceUnavailable(f"connection {conn_id}: is not a database; allowed: a type whose provider has a DB-API hook")
    engine: Engine = hook.get_sqlalchemy_engine()
    return engine
