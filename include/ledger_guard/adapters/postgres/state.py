"""Guard state in Postgres: one transaction a block, over connections that are bounded and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from ledger_guard.adapters.postgres.connection import GUARD_STATE, Connection, ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.guard_state.actions import PostgresActionStore
from ledger_guard.adapters.postgres.guard_state.approvals import PostgresApprovalStore
from ledger_guard.adapters.postgres.guard_state.audit import PostgresAuditLog
from ledger_guard.adapters.postgres.guard_state.backfill_orders import PostgresBackfillOrderStore
from ledger_guard.adapters.postgres.guard_state.comparisons import PostgresComparisonStore
from ledger_guard.adapters.postgres.guard_state.deploys import PostgresDeployStore
from ledger_guard.adapters.postgres.guard_state.flag_changes import PostgresFlagChangeStore
from ledger_guard.adapters.postgres.guard_state.freeze_overrides import PostgresFreezeOverrideStore
from ledger_guard.adapters.postgres.guard_state.freezes import PostgresFreezeStore
from ledger_guard.adapters.postgres.guard_state.guard_alerts import PostgresGuardAlertStore
from ledger_guard.adapters.postgres.guard_state.incidents import PostgresIncidentStore
from ledger_guard.adapters.postgres.guard_state.openings import PostgresOpeningStore
from ledger_guard.adapters.postgres.guard_state.partitions import PostgresPartitionStore
from ledger_guard.adapters.postgres.guard_state.plans import PostgresPlanStore
from ledger_guard.adapters.postgres.guard_state.readings import PostgresReadingStore
from ledger_guard.adapters.postgres.guard_state.replay import PostgresReplayStore
from ledger_guard.adapters.postgres.guard_state.rotations import PostgresRotationStore
from ledger_guard.adapters.postgres.guard_state.runs import PostgresRunStore
from ledger_guard.adapters.postgres.guard_state.secret_sightings import PostgresSecretSightingStore
from ledger_guard.adapters.postgres.guard_state.tenants import PostgresTenantStore
from ledger_guard.adapters.postgres.guard_state.verdicts import PostgresVerdictStore
from ledger_guard.adapters.postgres.guard_state.writer_leases import PostgresWriterLeaseStore
from ledger_guard.adapters.postgres.schema_revision import open_guard_state
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import (
    BadInputError,
    GuardStateUnavailable,
    LedgerInvariantError,
    SchemaMismatch,
    SourceUnavailable,
)

#: the first run of a big fleet stores millions of readings with one statement
STATEMENT_TIMEOUT_SECONDS = 600
#: how long a writer waits for its turn at the audit log
LOCK_TIMEOUT_MILLISECONDS = 30_000


class GuardRepositories:
    """UnitOfWork over a connection that the caller opened and commits or rolls back."""

    def __init__(self, connection: Connection, audit_keys: AuditKeys = NO_KEYS) -> None:
        self.connection = connection
        self.readings = PostgresReadingStore(connection)
        self.verdicts = PostgresVerdictStore(connection)
        self.comparisons = PostgresComparisonStore(connection)
        self.partitions = PostgresPartitionStore(connection)
        self.replay = PostgresReplayStore(connection)
        self.incidents = PostgresIncidentStore(connection)
        self.actions = PostgresActionStore(connection)
        self.openings = PostgresOpeningStore(connection)
        self.plans = PostgresPlanStore(connection)
        self.backfill_orders = PostgresBackfillOrderStore(connection)
        self.writer_leases = PostgresWriterLeaseStore(connection)
        self.approvals = PostgresApprovalStore(connection)
        self.flag_changes = PostgresFlagChangeStore(connection)
        self.freezes = PostgresFreezeStore(connection)
        self.overrides = PostgresFreezeOverrideStore(connection)
        self.rotations = PostgresRotationStore(connection)
        self.sightings = PostgresSecretSightingStore(connection)
        self.deploys = PostgresDeployStore(connection)
        self.runs = PostgresRunStore(connection)
        self.tenants = PostgresTenantStore(connection)
        self.guard_alerts = PostgresGuardAlertStore(connection)
        self.audit = PostgresAuditLog(connection, audit_keys)


class PostgresGuardState:
    """GuardState; each transaction has a connection of its own, closed at the end of its block."""

    def __init__(self, settings: ConnectionSettings, audit_keys: AuditKeys = NO_KEYS) -> None:
        self._settings, self._audit_keys = settings, audit_keys

    @contextmanager
    def transaction(self) -> Iterator[GuardRepositories]:
        """See GuardState.

        Raises:
            SchemaMismatch: guard state is not created, older or newer than this program; the sentence says what to do.
            SourceUnavailable: the database is away, slow or locked: retry.
            BadInputError: an id names an incident, plan or approval that does not exist, or a text can't be stored.
            LedgerInvariantError: the block went on after a failed statement; nothing was stored.
        """
        with guard_state_errors(), self._open() as connection:
            yield GuardRepositories(connection, self._audit_keys)
            if connection.info.transaction_status is TransactionStatus.INERROR:
                raise LedgerInvariantError("guard state: a statement failed but the transaction continued; nothing was stored")

    @contextmanager
    def snapshot(self) -> Iterator[GuardRepositories]:
        """See GuardState; raises as `transaction` does."""
        with guard_state_errors(), self._open(read_only=True) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield GuardRepositories(connection, self._audit_keys)

    def _open(self, *, read_only: bool = False) -> Connection:
        try:
            return open_guard_state(
                self._settings,
                "guard_state",
                read_only=read_only,
                statement_timeout_seconds=STATEMENT_TIMEOUT_SECONDS,
                lock_timeout_milliseconds=LOCK_TIMEOUT_MILLISECONDS,
            )
        except SchemaMismatch:
            raise
        except SourceUnavailable as error:
            raise GuardStateUnavailable(str(error)) from error


@contextmanager
def guard_state_errors() -> Iterator[None]:
    """Turn driver errors about guard state into the project's own; for whoever uses GuardRepositories by himself, too."""
    try:
        with translated_errors(GUARD_STATE):
            yield
    except psycopg.errors.ForeignKeyViolation as error:
        raise BadInputError(f"guard state: {error.diag.message_detail or 'a reference'} (nothing was stored)") from error
    except psycopg.DataError as error:
        raise BadInputError(f"guard state: can't be stored: {' '.join(str(error).split())}") from error
