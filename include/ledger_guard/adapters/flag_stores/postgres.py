"""The flag store as a table of the platform's database: one row a flag and scope, as the policy maps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from ledger_guard.adapters.flag_stores.scope_rules import moment_or_none
from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, compose, translated_errors
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import FlagState, effective_value
from ledger_guard.policy.flag_store import FlagStoreTable
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement


class PostgresFlagStore:
    """FlagStore over `policy.flag_store`.

    The table needs a unique index over flag and tenant: it keeps two first writers of a scope apart.

    Every method raises SourceUnavailable when the database does not answer or the table or a mapped column is missing:
    mend it and start again, nothing was written.
    """

    def __init__(self, platform: ConnectionSettings, policy: Policy, wall_clock: Clock) -> None:
        self._platform = platform
        self._wall_clock = wall_clock
        store = policy.flag_store
        if not isinstance(store, FlagStoreTable):
            raise BadInputError(f"flag_store.kind: is {store.kind!r}; allowed here: postgres")
        self._schema = store.schema_name
        self._name = f"{store.schema_name}.{store.table}"
        self._columns = {
            "table": self._name,
            "flag": store.flag,
            "tenant_id": store.tenant_id,
            "is_enabled": store.is_enabled,
            "version": store.version,
            "changed_by": store.changed_by,
            "change_reason": store.change_reason,
            "changed_at": store.changed_at,
        }

    @property
    def per_tenant(self) -> bool:
        """Yes."""
        return True

    def lacks(self, flag: str) -> str:  # noqa: ARG002
        """Nothing: a value that is written is served."""
        return ""

    def finish(self, flag: str) -> None:
        """Nothing is ever left to do."""

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope.

        Raises:
            LedgerInvariantError: the scope has two rows: which one the platform uses is not known.
        """
        with self._asked(), self._open(read_only=True) as connection:
            return self._state(connection, flag, tenant_id)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Say what to set where the platform keeps its flags elsewhere."""
        with translated_errors(f"flag store {self._name}"):
            try:
                yield
            except psycopg.errors.UndefinedTable as error:
                raise SourceUnavailable(
                    f"flag store: the platform's database has no table {self._name}; the policy's flag_store expects flags "
                    "there; allowed: postgres with the table's name, dotenv, http, flagd or unleash (docs/flag_stores.md)"
                ) from error

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """What the platform obeys for this tenant: its own value, else the global one, else False."""
        return effective_value(self.scopes(flag), tenant_id)

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a row, the global one first."""
        with self._asked(), self._open(read_only=True) as connection:
            return self._states(connection, flag, None)

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write in all these scopes or in none, in one transaction, in the same order for every writer."""
        written = {}
        with self._asked(), self._open(read_only=False) as connection:
            for state in sorted(seen, key=lambda state: state.tenant_id):
                written[state.tenant_id] = self._write(connection, state, to_value, actor, reason)
        return [written[state.tenant_id] for state in seen]

    def _write(self, connection: Connection, seen: FlagState, to_value: bool, actor: str, reason: str) -> FlagState:
        is_first = seen.is_enabled is None and seen.version == 0
        query = self._query("flags/insert_if_absent" if is_first else "flags/update_if_unchanged")
        parameters = {
            "flag": seen.flag,
            "tenant_id": seen.tenant_id,
            "seen_value": seen.is_enabled,
            "seen_version": seen.version,
            "to_value": to_value,
            "changed_by": actor,
            "change_reason": reason,
            "changed_at": self._wall_clock.now(),
        }
        row = connection.execute(query, parameters).fetchone()
        if row is None:
            now = self._state(connection, seen.flag, seen.tenant_id)
            raise SafetyRefusal(f"{seen.subject_id}: changed meanwhile: now {now.described()}, not {seen.described()}")
        return _as_state(seen.flag, row)

    def _state(self, connection: Connection, flag: str, tenant_id: str) -> FlagState:
        found = self._states(connection, flag, tenant_id)
        return found[0] if found else FlagState(flag, tenant_id, None)

    def _states(self, connection: Connection, flag: str, tenant_id: str | None) -> list[FlagState]:
        rows = connection.execute(self._query("flags/select_states"), {"flag": flag, "tenant_id": tenant_id}).fetchall()
        scopes = [row["tenant_id"] for row in rows]
        if len(set(scopes)) < len(scopes):
            twice = next(scope for scope in scopes if scopes.count(scope) > 1)
            raise LedgerInvariantError(f"flag store {self._name}: {flag}@{twice} has more than one row; allowed: one per scope")
        return [_as_state(flag, row) for row in rows]

    def _query(self, name: str) -> sql.Composed:
        return compose(statement(name), **self._columns)

    def _open(self, *, read_only: bool) -> Connection:
        return self._platform.open("flags", read_only=read_only, schema=self._schema, needs_primary=True)


def _as_state(flag: str, row: Row) -> FlagState:
    return FlagState(
        flag,
        row["tenant_id"],
        row["is_enabled"],
        row["version"],
        row["change_reason"] or "",
        changed_by=row["changed_by"] or "",
        changed_at=moment_or_none(row["changed_at"]),
    )
