"""Which players moved on the platform since the comparison before: by the versions of their rows, whatever times these hold."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from ledger_guard.adapters.postgres.connection import Connection, Row, compose
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.comparisons import PlatformMoment, PlayerKey
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement

#: transactions are numbered through, and a row keeps this much of the number
_OF_32_BITS = 2**32


class MovedPlayers:
    """Statements over the tables that a comparison reads, for one platform."""

    def __init__(self, platform: Platform, *, has_ledger: bool) -> None:
        names = platform_names(platform)
        self._names = names
        #: beside the players' own
        self._tables = ["wallet", *(["ledger"] if has_ledger else []), *(["transaction"] if platform.transactions else [])]
        self._quoted = [sql.Identifier(*names[table].split(".")).as_string() for table in ("player", *self._tables)]

    def deleted_rows(self, connection: Connection) -> int | None:
        """Rows deleted so far; to be asked in a transaction before the comparison's. None: not told."""
        found = _row(connection, sql.SQL(statement("signals/read_deleted_rows")), {"tables": self._quoted})
        return None if found["deleted_rows"] is None else int(found["deleted_rows"])

    def moment(self, connection: Connection, deleted_rows: int | None) -> PlatformMoment:
        """What the database says of itself, as of the connection's snapshot."""
        found = _row(connection, sql.SQL(statement("signals/read_moment")), {"tables": self._quoted})
        return PlatformMoment(**found, deleted_rows=deleted_rows)

    def to_compare(self, connection: Connection, oldest_open: int, slices: int, turn: int, at_most: int) -> set[PlayerKey]:
        """Players of whom any row is not older than transaction `oldest_open`, and those whose turn it is.

        When there are more than `at_most`, some of them may be missing: then there are still more than `at_most`.
        """
        bound = {"oldest_open": str(oldest_open % _OF_32_BITS), "at_most": at_most + 1}
        query = compose(statement("signals/list_players_to_compare"), **self._names)
        found = _keys(connection.execute(query, {**bound, "slices": slices, "turn": turn}).fetchall())
        for table in self._tables:
            if len(found) > at_most:
                break
            columns = {"table": table, "tenant": f"{table}_tenant", "moved_player": f"{table}_player"}
            named = {key: self._names[column] for key, column in columns.items()}
            moved = compose(statement("signals/list_players_moved"), **named)
            found |= _keys(connection.execute(moved, bound).fetchall())
        return found


def _keys(rows: Sequence[Row]) -> set[PlayerKey]:
    return {(row["tenant_id"], row["player_id"]) for row in rows if row["tenant_id"] is not None and row["player_id"] is not None}


def _row(connection: Connection, query: sql.SQL, bound: dict[str, list[str]]) -> Row:
    row = connection.execute(query, bound).fetchone()
    assert row is not None, "a select of one row gives it"
    return row
