"""The platform's players, wallets and ledger in Postgres, read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, compose, translated_errors
from ledger_guard.adapters.postgres.differences import PostgresDifferences
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_names import needed_columns, platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.ledger_rows import BookedMovement, LedgerRow
from ledger_guard.domain.plan_rows import row_of
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.repairs import WrongWallet
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.booking_rules import booked_movement
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Comparison
from ledger_guard.sql import statement

_WHAT = "the platform's database"


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
            if not has_ledger_table(connection, self._platform):
                # Without a ledger nothing is proved, so only missing wallets are made: domain/differences.py.
                needed = [(table, column) for table, column in needed if table != self._platform.ledger.table]
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
    def differences(self, tenant_id: str, mode: BackfillMode, seen: Iterable[bytes] = ()) -> Iterator[PostgresDifferences]:
        """See LedgerStore."""
        with translated_errors(_WHAT), self._open(needs_primary=True) as connection:
            # A temporary table can be filled in a read-only transaction, but not made; a replica can't even make one.
            connection.read_only = False
            connection.execute(statement("platform/create_judged"))
            connection.commit()
            connection.read_only = True
            yield PostgresDifferences(connection, self._platform, tenant_id, mode, seen)

    def wrong_wallets(self, tenant_id: str, player_ids: Sequence[str]) -> list[WrongWallet]:
        """See LedgerStore."""
        with translated_errors(_WHAT), self._open() as connection:
            judged = JudgedWallets(self._platform, has_ledger=has_ledger_table(connection, self._platform))
            query = judged.within(statement("platform/select_wrong_wallets"))
            rows = connection.execute(query, judged.parameters(tenant_id, player_ids)).fetchall()
        return [WrongWallet(row["player_id"], RowCause(row["cause"]), row["cents"]) for row in rows]

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """See LedgerStore."""
        with self.differences(tenant_id, mode) as found:
            rows = tuple(row_of(line) for line in found.lines())
            return Comparison(tenant_id, found.players, found.counts, rows, found.bonus_lost)

    def movements(self, tenant_id: str, player_ids: Sequence[str], at_most: int) -> dict[str, list[BookedMovement]]:
        """See LedgerStore. Times without a zone are UTC, as the platform writes them."""
        parameters = {"tenant_id": tenant_id, "player_ids": list(player_ids), "at_most": at_most}
        found: dict[str, list[BookedMovement]] = {}
        with translated_errors(_WHAT), self._open() as connection:
            if not has_ledger_table(connection, self._platform):
                return found
            for row in connection.execute(compose(statement("platform/list_movements"), **self._names), parameters):
                player_id = row.pop("player_id")
                booked = LedgerRow(**{**row, "created_at": _in_utc(row["created_at"])})
                found.setdefault(player_id, []).append(booked_movement(booked, self._platform))
        return found

    def _open(self, *, needs_primary: bool = False) -> Connection:
        connection = open_reader(self._settings, self._platform, "compare", needs_primary=needs_primary)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection
