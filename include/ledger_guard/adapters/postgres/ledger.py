"""The platform's players, wallets and ledger in Postgres, read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, compose, translated_errors
from ledger_guard.adapters.postgres.differences import PostgresDifferences
from ledger_guard.adapters.postgres.platform_names import needed_columns, platform_names
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plan_lines import row_of
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Comparison
from ledger_guard.sql import statement

_WHAT = "the platform's database"


class PostgresLedgerStore:
    """LedgerStore over the tables that `policy.platform` maps.

    Every method raises SourceUnavailable when the database does not answer or lacks what it reads: retry when it is back.
    """

    def __init__(self, platform: ConnectionSettings, policy: Policy) -> None:
        self._settings = platform
        self._platform = policy.platform
        self._names = platform_names(policy.platform)

    def check_columns(self) -> None:
        """See LedgerStore."""
        needed = needed_columns(self._platform)
        schema = self._platform.schema_name
        with translated_errors(_WHAT), self._open() as connection:
            parameters = {"schema": schema, "tables": sorted({table for table, _ in needed})}
            rows = connection.execute(statement("platform/list_columns"), parameters).fetchall()
        present = {(row["table_name"], row["column_name"]) for row in rows}
        tables = {table for table, _ in present}
        for table, column in needed:
            if table not in tables:
                raise SourceUnavailable(f"{_WHAT}: has no table {schema}.{table} that this login may read; the policy maps it")
            if (table, column) not in present:
                raise SourceUnavailable(f"{_WHAT}: table {schema}.{table} has no column {column}; the policy maps it")

    def tenant_exists(self, tenant_id: str) -> bool:
        """See LedgerStore."""
        with translated_errors(_WHAT), self._open() as connection:
            query = compose(statement("platform/find_tenant"), **self._names)
            return connection.execute(query, {"tenant_id": tenant_id}).fetchone() is not None

    def tenant_ids(self) -> list[str]:
        """See LedgerStore."""
        with translated_errors(_WHAT), self._open() as connection:
            rows = connection.execute(compose(statement("platform/list_tenants"), **self._names)).fetchall()
        return sorted(row["tenant_id"] for row in rows)

    @contextmanager
    def differences(self, tenant_id: str, mode: BackfillMode) -> Iterator[PostgresDifferences]:
        """See LedgerStore."""
        with translated_errors(_WHAT), self._open() as connection:
            # A temporary table can be filled in a read-only transaction, but not made.
            connection.read_only = False
            connection.execute(statement("platform/create_differing"))
            connection.commit()
            connection.read_only = True
            yield PostgresDifferences(connection, self._platform, tenant_id, mode)

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """See LedgerStore."""
        with self.differences(tenant_id, mode) as found:
            rows = tuple(row_of(line) for line in found.lines())
            return Comparison(tenant_id, found.players, found.counts, rows)

    def _open(self) -> Connection:
        bounds = self._platform
        connection = self._settings.open(
            "compare",
            read_only=True,
            statement_timeout_seconds=bounds.statement_timeout_seconds,
            lock_timeout_milliseconds=bounds.lock_timeout_milliseconds,
        )
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection
