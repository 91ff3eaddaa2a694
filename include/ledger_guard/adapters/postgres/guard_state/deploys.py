"""Deploys in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.guard_state.columns import given
from ledger_guard.domain.deploys import Deploy
from ledger_guard.sql import statement


class PostgresDeployStore:
    """DeployStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, deploy: Deploy) -> None:
        """See DeployStore."""
        self._connection.execute(statement("guard/insert_deploy"), given(deploy))

    def latest(self, by: datetime) -> Deploy | None:
        """See DeployStore."""
        row = self._connection.execute(statement("guard/select_latest_deploy"), {"by": by}).fetchone()
        return None if row is None else Deploy(**{**row, "deploy_id": str(row["deploy_id"])})
