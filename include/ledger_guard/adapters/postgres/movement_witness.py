"""Watches a tenant's ledger for movements that a script of the platform overwrites in the wallet."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, compose, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement

_WHAT = "the platform's ledger"


class PostgresMovementWitness:
    """MovementWitness over the tables that the policy maps; read-only.

    Every method raises SourceUnavailable when the database does not answer or lacks what it reads.
    """

    def __init__(self, connection: ConnectionSettings, platform: Platform) -> None:
        self._settings = connection
        self._platform = platform
        self._names = platform_names(platform)

    def newest_movement(self, tenant_id: str) -> str:
        """See MovementWitness."""
        with translated_errors(_WHAT), self._open() as connection:
            query = compose(statement("command_runner/find_newest_movement"), **self._names)
            row = connection.execute(query, {"tenant_id": tenant_id}).fetchone()
        assert row is not None, "an aggregate always gives a row"
        return str(row["booked_at"])

    def erased_since(self, tenant_id: str, newest_movement: str) -> list[str]:
        """See MovementWitness."""
        judged = JudgedWallets(self._platform)
        parameters = judged.parameters(tenant_id) | {"since": newest_movement}
        with translated_errors(_WHAT), self._open() as connection:
            query = judged.within(statement("command_runner/list_erased_movements"))
            return [row["player_id"] for row in connection.execute(query, parameters)]

    def _open(self) -> Connection:
        # What a run erased is told right after it: a replica may not have it yet.
        return open_reader(self._settings, self._platform, "run_script", needs_primary=True)
