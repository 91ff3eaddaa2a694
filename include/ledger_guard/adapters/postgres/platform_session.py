"""Sessions on the platform's database for what only reads it, within the bounds that the policy sets."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings
from ledger_guard.policy.platform import Platform


def open_reader(settings: ConnectionSettings, platform: Platform, application: str, *, needs_primary: bool = False) -> Connection:
    """Open a read-only session; a replica that lags no more than the policy allows will do, unless the primary is needed.

    Raises:
        SourceUnavailable: as ConnectionSettings.open.
    """
    return settings.open(
        application,
        read_only=True,
        statement_timeout_seconds=platform.statement_timeout_seconds,
        lock_timeout_milliseconds=platform.lock_timeout_milliseconds,
        needs_primary=needs_primary,
        most_replica_lag_seconds=platform.most_replica_lag_seconds,
    )
