"""What is found of one tenant's players, streamed out of one snapshot of the platform's database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.findings import DifferenceCounts, RowCause
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plan_rows import cause_word
from ledger_guard.domain.plan_summary import counts_of_causes
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement

_MISSING = RowCause.MISSING.value.encode()


class PostgresDifferences:
    """Differences over a session of its own; read-only but for a temporary table, which goes with the session.

    All players are judged first, set-based, then counted; then the findings stream.
    """

    def __init__(
        self, connection: Connection, platform: Platform, tenant_id: str, mode: BackfillMode, seen: Iterable[bytes]
    ) -> None:
        self._connection, self._mode = connection, mode
        judged = JudgedWallets(platform, has_ledger=has_ledger_table(connection, platform), has_seen=True)
        self._parameters = judged.parameters(tenant_id)
        self._rows_by_cause: Counter[bytes] = Counter()
        self._is_read = False
        with self._connection.cursor() as cursor, cursor.copy(statement("platform/copy_seen_openings")) as copy:
            for block in seen:
                copy.write(block)
        self._connection.execute(statement("platform/ease_judging"))
        self._connection.execute(judged.within(statement("platform/judge_tenant")), self._parameters)
        self._connection.execute(statement("platform/analyze_judged"))
        counted = self._connection.execute(judged.within(statement("platform/count_tenant")), self._parameters)
        self._counted: dict[str, int] = {name: int(number) for name, number in (counted.fetchone() or {}).items()}

    @property
    def players(self) -> int:
        """See Differences."""
        return self._counted["players"]

    @property
    def counts(self) -> DifferenceCounts:
        """See Differences."""
        if not self._is_read:
            raise LedgerInvariantError("differences: counts are complete after the last line; read all lines first")
        by_cause = {cause.decode(): rows for cause, rows in self._rows_by_cause.items()}
        beside = {name: number for name, number in self._counted.items() if name not in {"players", "bonus_lost"}}
        return counts_of_causes(by_cause, **beside)

    @property
    def bonus_lost(self) -> Cents:
        """See Differences."""
        return self._counted["bonus_lost"]

    def new_openings(self) -> Iterator[bytes]:
        """See Differences."""
        with self._connection.cursor() as cursor, cursor.copy(statement("platform/copy_new_openings")) as copy:
            yield from map(bytes, copy)

    def lines(self) -> Iterator[bytes]:
        """See Differences."""
        is_all = self._mode is BackfillMode.FORCE
        with self._connection.cursor() as cursor, cursor.copy(statement("platform/copy_findings"), self._parameters) as copy:
            for block in copy:
                line = bytes(block)
                cause = cause_word(line)
                self._rows_by_cause[cause] += 1
                if is_all or cause == _MISSING:
                    yield line
        self._is_read = True
