"""What the guard asks of every database session, and whether a session that was opened is what was asked for.

Nothing here changes an open session: behind a pooler it could be someone else's session a moment later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.identifiers import new_id

#: how far behind its primary a replica may be that is read, unless the policy says otherwise
MOST_REPLICA_LAG_SECONDS = 30

#: asked of every session: statements, amounts and times mean the same whatever the login's or the database's defaults are
_ALWAYS = {
    # a database that would filter rows has to refuse instead
    "row_security": "off",
    "default_transaction_isolation": "read committed",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    # the shortest text that reads back as the very same double
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    # a write that was reported is not lost with the server
    "synchronous_commit": "on",
    # a backfill that is paused keeps its session, and its lock with it
    "idle_session_timeout": "0",
}
CLIENT_ENCODING = "UTF8"
_MARK = "ledger_guard.session"
#: read by the database's own trigger on the audit log
_REVISION = "ledger_guard.revision"

_DROPPED = (
    'allowed: a connection to the server itself, or through a pooler in session mode that passes the startup parameter "options"'
    " on"
)
#: settings that can't be set here, or were set on purpose → required value, and what to do
_AS_FOUND = {
    "session_replication_role": ("origin", "triggers would not run: remove it from the login's and the database's defaults"),
    "transaction_timeout": ("0", "it would end a comparison half-way: `alter role … set transaction_timeout = 0` for the login"),
}
_WRITABLE = {
    "default_transaction_read_only": (
        "off",
        "writes are turned off here: remove it from the login's and the database's defaults to allow them",
    )
}


@dataclass(frozen=True)
class SessionWishes:
    """What one session is opened with; `schema` is searched for what the platform's own triggers name."""

    read_only: bool
    statement_timeout_seconds: int
    lock_timeout_milliseconds: int
    #: how long the session may hold a transaction open and do nothing; 0: for ever
    idle_in_transaction_seconds: int = 0
    schema: str | None = None
    needs_primary: bool = False
    most_replica_lag_seconds: int = MOST_REPLICA_LAG_SECONDS
    #: the revision of guard state that it works with; None: it has nothing to do with guard state
    revision: str | None = None


class AskedSession:
    """One session to be opened: what it is asked to be, under a mark that no other session has."""

    def __init__(self, database: str, wishes: SessionWishes) -> None:
        self._what, self._wishes, self._mark = f"database {database}", wishes, new_id()
        self._settings = {
            **_ALWAYS,
            "statement_timeout": str(wishes.statement_timeout_seconds * 1000),
            "lock_timeout": str(wishes.lock_timeout_milliseconds),
            "idle_in_transaction_session_timeout": str(wishes.idle_in_transaction_seconds * 1000),
            "search_path": f'pg_catalog, "{wishes.schema}"' if wishes.schema else "pg_catalog",
        }
        if wishes.read_only:
            self._settings["default_transaction_read_only"] = "on"
        self._as_found = _AS_FOUND if wishes.read_only else {**_AS_FOUND, **_WRITABLE}

    @property
    def options(self) -> str:
        """Text for libpq's `options`."""
        asked = {**self._settings, _MARK: self._mark}
        if self._wishes.revision is not None:
            asked[_REVISION] = self._wishes.revision
        return " ".join(f"-c {name}={_escaped(value)}" for name, value in asked.items())

    @property
    def names(self) -> list[str]:
        """Settings to read back."""
        return [*self._settings, *self._as_found, "client_encoding"]

    def check(self, rows: list[dict[str, Any]]) -> bool:
        """Hold the rows of session/read_session against what was asked for; returns whether the server is a replica.

        Raises:
            SourceUnavailable: it is not the session that was asked for, or it can't do what is needed. The sentence names the
                first setting, what was found and what to do.
        """
        found = {row["name"]: row["setting"] for row in rows}
        asked = {**self._settings, "client_encoding": CLIENT_ENCODING}
        unlike = [name for name, value in asked.items() if found.get(name) != value]
        mark, is_replica = rows[0]["mark"], rows[0]["is_replica"]
        if mark != self._mark:
            said = ", ".join(f"{name} is {found.get(name)!r} instead of {asked[name]!r}" for name in unlike[:1])
            raise SourceUnavailable(
                f"{self._what}: a pooler in between dropped the session's settings{f' ({said})' if said else ''}; {_DROPPED}"
            )
        if unlike:
            raise SourceUnavailable(
                f"{self._what}: {unlike[0]} is {found.get(unlike[0])!r} in a session opened with {asked[unlike[0]]!r}; "
                "remove what sets it (PGTZ and PGDATESTYLE in the environment, a login trigger)"
            )
        if is_replica and self._wishes.needs_primary:
            raise SourceUnavailable(
                f"{self._what}: is a replica, which takes no writes and no temporary tables; allowed here: the primary"
            )
        for name, (wanted, advice) in self._as_found.items():
            if found.get(name, wanted) != wanted:
                raise SourceUnavailable(f"{self._what}: {name} is {found[name]!r}, allowed: {wanted!r}; {advice}")
        return bool(is_replica)

    def check_replica(self, found: Mapping[str, Any]) -> None:
        """Hold the row of session/read_replica against what may be believed.

        Raises:
            SourceUnavailable: its replay is paused, it lags, or nothing tells by how much. Retry, or read the primary.
        """
        lag, most = found["lag_seconds"], self._wishes.most_replica_lag_seconds
        if found["is_paused"]:
            raise SourceUnavailable(f"{self._what}: is a replica whose replay is paused; resume it, or read the primary")
        if lag is None:
            raise SourceUnavailable(f"{self._what}: is a replica whose lag is not known; read the primary")
        if lag > most:
            raise SourceUnavailable(
                f"{self._what}: is a replica {lag:.0f} s behind its primary, allowed: {most} s; wait until it has caught up, or "
                "read the primary"
            )


def connect_advice(message: str) -> str:
    """What to do about a server's refusal to connect, where that is known; else nothing."""
    return f"; a pooler in between refuses the guard's session settings: {_DROPPED}" if _is_pooler(message) else ""


def _is_pooler(message: str) -> bool:
    return "unsupported startup parameter" in message


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
