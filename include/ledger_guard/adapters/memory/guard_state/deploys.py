"""Deploys in memory."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.deploys import Deploy


class InMemoryDeployStore(Store):
    """DeployStore over the tables of one transaction."""

    def add(self, deploy: Deploy) -> None:
        """See DeployStore."""
        self._tables.deploys[deploy.deploy_id] = deploy

    def latest(self, by: datetime) -> Deploy | None:
        """See DeployStore."""
        newest_last = reversed([each for each in self._tables.deploys.values() if each.deployed_at <= by])
        return max(newest_last, key=lambda each: each.deployed_at, default=None)
