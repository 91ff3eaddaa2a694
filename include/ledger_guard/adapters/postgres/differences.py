"""One tenant's differing players, streamed out of one snapshot of the platform's database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ledger_guard.adapters.postgres.connection import Connection, compose
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.money import UNREADABLE_FROM
from ledger_guard.domain.plan_lines import cause_word
from ledger_guard.domain.plan_summary import counts_of_causes
from ledger_guard.domain.plans import BackfillMode, DifferenceCounts, RowCause
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement

_MISSING = RowCause.MISSING.value.encode()


class PostgresDifferences:
    """Differences over a session of its own; read-only but for a temporary table, which goes with the session.

    The scan of the tenant comes first, then the counts, then the ledger of the players that differ, set-based.
    """

    def __init__(self, connection: Connection, platform: Platform, tenant_id: str, mode: BackfillMode) -> None:
        self._connection, self._mode = connection, mode
        self._names = platform_names(platform)
        ledger = platform.ledger
        self._parameters = {
            "tenant_id": tenant_id,
            "currency": platform.currency,
            "unreadable_from": UNREADABLE_FROM,
            "void_statuses": [word.lower() for word in ledger.void_statuses],
            "wallet_only_types": list(ledger.wallet_only_types),
            "provider_events_are_wallet_only": ledger.provider_events_are_wallet_only,
        }
        self._rows_by_cause: Counter[bytes] = Counter()
        self._is_read = False
        for name in ("scan_differing", "analyze_differing"):
            self._connection.execute(compose(statement(f"platform/{name}"), **self._names), self._parameters)
        counted = self._connection.execute(compose(statement("platform/count_tenant"), **self._names), self._parameters)
        self._counted: dict[str, int] = {name: int(number) for name, number in (counted.fetchone() or {}).items()}

    @property
    def players(self) -> int:
        """See Differences."""
        return self._counted["players"]

    @property
    def counts(self) -> DifferenceCounts:
        """See Differences."""
        if not self._is_read:
            raise LedgerInvariantError("differences: counts are known once every line was taken; take the lines first")
        by_cause = {cause.decode(): rows for cause, rows in self._rows_by_cause.items()}
        beside = {name: number for name, number in self._counted.items() if name != "players"}
        return counts_of_causes(by_cause, **beside)

    def lines(self) -> Iterator[bytes]:
        """See Differences."""
        is_all = self._mode is BackfillMode.FORCE
        query = compose(statement("platform/copy_differences"), **self._names)
        with self._connection.cursor() as cursor, cursor.copy(query, self._parameters) as copy:
            for block in copy:
                line = bytes(block)
                cause = cause_word(line)
                self._rows_by_cause[cause] += 1
                if is_all or cause == _MISSING:
                    yield line
        self._is_read = True
