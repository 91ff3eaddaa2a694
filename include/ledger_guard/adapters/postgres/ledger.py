"""The platform's players, wallets and ledger in Postgres, read-only."""

from __future__ import annotations

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, compose, translated_errors
from ledger_guard.adapters.postgres.platform_names import needed_columns, platform_names
from ledger_guard.domain.differences import NO_MOVEMENTS, Balances, LedgerFacts, counted, difference_row
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.money import UNREADABLE_FROM
from ledger_guard.domain.plans import BackfillMode, RowCause
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

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """See LedgerStore: one scan of the tenant, then the ledger of differing players, in one snapshot."""
        with translated_errors(_WHAT), self._open() as connection:
            found = self._scan(connection, tenant_id)
            differing = {row["player_id"]: _balances(row) for row in found if row["player_id"] is not None}
            facts = self._facts(connection, tenant_id, differing)
        totals = {row["finding"]: int(row["found"]) for row in found if row["player_id"] is None}
        rows = tuple(
            difference_row(player_id, self._platform.currency, differing[player_id], facts.get(player_id, NO_MOVEMENTS))
            for player_id in sorted(differing)
        )
        return Comparison(
            tenant_id=tenant_id,
            players=totals["players"],
            counts=counted(rows, totals["float_noise"], totals["other_currency"], totals["orphan"]),
            rows=tuple(row for row in rows if mode is BackfillMode.FORCE or row.cause is RowCause.MISSING),
        )

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

    def _scan(self, connection: Connection, tenant_id: str) -> list[Row]:
        parameters = {"tenant_id": tenant_id, "currency": self._platform.currency, "unreadable_from": UNREADABLE_FROM}
        return connection.execute(compose(statement("platform/compare_balances"), **self._names), parameters).fetchall()

    def _facts(self, connection: Connection, tenant_id: str, differing: dict[str, Balances]) -> dict[str, LedgerFacts]:
        asked = {player_id: found.difference for player_id, found in differing.items() if found.difference is not None}
        if not asked:
            return {}
        ledger = self._platform.ledger
        parameters = {
            "tenant_id": tenant_id,
            "currency": self._platform.currency,
            "player_ids": list(asked),
            "differences": list(asked.values()),
            "void_statuses": [word.lower() for word in ledger.void_statuses],
            "wallet_only_types": list(ledger.wallet_only_types),
            "provider_events_are_wallet_only": ledger.provider_events_are_wallet_only,
            "unreadable_from": UNREADABLE_FROM,
        }
        rows = connection.execute(compose(statement("platform/sum_movements"), **self._names), parameters).fetchall()
        return {row.pop("player_id"): LedgerFacts(**row) for row in rows}


def _balances(row: Row) -> Balances:
    return Balances(
        player_available=row["player_available"],
        player_held=row["player_held"],
        wallet_available=row["wallet_available"],
        wallet_pending=row["wallet_pending"],
        has_wallet=row["has_wallet"],
    )
