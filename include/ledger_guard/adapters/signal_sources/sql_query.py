"""Readings from a query of the user's over any database that SQLAlchemy speaks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import LiteralString

from ledger_guard.adapters.signal_sources.counted_rows import checked_readings, moment_of
from ledger_guard.domain.errors import SourceUnavailable, UnusableAnswer
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.sources import SqlQuery
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement

#: how a statement is bounded and kept from writing, by dialect; of other databases the driver's own bounds hold
_LIMITS: dict[str, tuple[LiteralString, ...]] = {
    "postgresql": ("counts/limit_postgresql",),
    "mariadb": ("counts/limit_mariadb", "counts/read_only_mysql"),
    "mysql": ("counts/limit_mysql", "counts/read_only_mysql"),
}
#: how a database says what a query costs, by dialect
_EXPLAINS = {
    "postgresql": "explain ",
    "mariadb": "explain ",
    "mysql": "explain ",
    "sqlite": "explain query plan ",
    "duckdb": "explain ",
}
_REASON_CHARACTERS = 300


class SqlQuerySource:
    """SignalSource over a counting query.

    Every method raises SourceUnavailable when the database does not answer, the query fails or takes too long, or a row is not
    what it has to be: the window is `no_data`; `source check` says what is wrong.
    """

    def __init__(self, source: SqlQuery, engine: Callable[[], Engine], clock: Clock) -> None:
        """`engine` is called when something is read; its errors pass through."""
        self._source = source
        self._engine = engine
        self._clock = clock

    def complete_through(self, trigger: Trigger) -> datetime | None:  # noqa: ARG002  one query for all
        """See SignalSource."""
        asked = self._source.complete_query
        with self._open() as connection:
            rows = connection.execute(text(asked or statement("counts/probe"))).fetchmany(2)
        if asked is None:
            return self._clock.now() - timedelta(seconds=self._source.complete_after_seconds)
        if len(rows) > 1:
            what = f"connection {self._source.connection}: complete_query gave several rows"
            raise SourceUnavailable(f"{what}; allowed: one row with one moment, as `select max(…)`")
        value = rows[0][0] if rows else None
        if value is None:
            return None
        moment = moment_of(value, naive_is_utc=self._source.times != "zoned")
        if moment is None:
            raise SourceUnavailable(f"connection {self._source.connection}: complete_query gave no time: {str(value)[:40]!r}")
        return moment

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource. One query, however many windows or tenants."""
        with self._open() as connection:
            found = connection.execute(text(self._source.query), self._bounds(first, last))
            rows = found.mappings().fetchmany(self._source.most_rows + 1)
        if len(rows) > self._source.most_rows:
            raise UnusableAnswer(f"connection {self._source.connection}: more than {self._source.most_rows:,} rows came")
        try:
            return checked_readings(trigger, ({**row} for row in rows), first, last, naive_is_utc=self._source.times != "zoned")
        except UnusableAnswer as error:
            raise UnusableAnswer(f"connection {self._source.connection}: {error}") from error

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002
        """See SignalSource: nothing, every row is a count."""
        return {}

    def cost(self, trigger: Trigger, first: Window, last: Window) -> tuple[str, ...]:  # noqa: ARG002  one query for all
        """See CostedSource."""
        with self._open() as connection:
            explain = _EXPLAINS.get(connection.dialect.name)
            if explain is None:
                return ()
            rows = connection.execute(text(explain + self._source.query), self._bounds(first, last)).fetchall()
        return tuple(" ".join(str(field) for field in row if field is not None) for row in rows)

    def _bounds(self, first: Window, last: Window) -> Mapping[str, Any]:
        return {"start": self._as_written(first.start), "end": self._as_written(last.end)}

    def _as_written(self, moment: datetime) -> datetime | int:
        if self._source.times == "epoch_seconds":
            return int(moment.timestamp())
        return moment if self._source.times == "zoned" else moment.replace(tzinfo=None)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        try:
            # nothing is kept open between two checks
            engine = self._engine()
            try:
                with engine.connect() as connection:
                    _limit(connection, self._source.timeout_seconds)
                    yield connection
                    connection.rollback()
            finally:
                engine.dispose()
        except SQLAlchemyError as error:
            # the driver's own first line: behind it stand the statement and its values
            cause = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
            reason = cause.splitlines()[0][:_REASON_CHARACTERS]
            raise SourceUnavailable(f"connection {self._source.connection}: {reason}") from error


def _limit(connection: Connection, seconds: int) -> None:
    name = "mariadb" if getattr(connection.dialect, "is_mariadb", False) else connection.dialect.name
    milliseconds = seconds * 1000
    if name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    # Postgres takes it as a text, MySQL as a number
    bounds = {"seconds": seconds, "milliseconds": str(milliseconds) if name == "postgresql" else milliseconds}
    for each in _LIMITS.get(name, ()):
        limit = text(statement(each))
        connection.execute(limit, {key: bounds[key] for key in bounds if key in limit.compile().params})
