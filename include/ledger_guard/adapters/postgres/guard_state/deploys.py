"""Deploys in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.deploys import Deploy


class PostgresDeployStore(Store):
    """DeployStore."""

    def add(self, deploy: Deploy) -> None:
        """See DeployStore."""
        self._execute("guard/insert_deploy", **given(deploy))

    def latest(self, by: datetime) -> Deploy | None:
        """See DeployStore."""
        return self._one(Deploy, "guard/select_latest_deploy", by=by)
