"""Readings from the platform's balances: players whose wallet differs from the evidence, out of all."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, compose, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.adapters.signal_sources.moved_players import MovedPlayers
from ledger_guard.domain.comparisons import (
    NO_VERSIONS,
    ComparedBalances,
    LastComparison,
    PlatformMoment,
    PlayerKey,
    WholeGrid,
    turn,
    why_whole,
)
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.platform import Platform
from ledger_guard.policy.sources import Incremental
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement

_WHAT = "the platform's balances"


@dataclass(frozen=True)
class _Found:
    """One comparison: rows of count_mismatches.sql by tenant, and each tenant's number of players."""

    by_tenant: Mapping[str, Sequence[Row]]
    players: Mapping[str, int]

    @property
    def mismatched(self) -> list[PlayerKey]:
        """The players found, as far as their ids were asked for."""
        rows = ((tenant_id, row) for tenant_id, rows in self.by_tenant.items() for row in rows)
        return [(tenant_id, player_id) for tenant_id, row in rows for player_id in row["player_ids"] or ()]

    def readings(self, trigger: Trigger, window: Window) -> list[Reading]:
        """A reading for each tenant with players."""
        return [
            _reading(trigger, tenant_id, window, self.by_tenant.get(tenant_id, ()), players)
            for tenant_id, players in self.players.items()
        ]


class BalanceComparisonSource:
    """SignalSource and ContinuedSource over the tables that `policy.platform` maps.

    Every method raises SourceUnavailable when the platform does not answer or lacks a table or column: the window is
    `no_data`; retry when it is back.
    """

    def __init__(
        self,
        platform: ConnectionSettings,
        mapped: Platform,
        clock: Clock,
        incremental: Incremental | None = None,
        most_seconds: int = 240,
    ) -> None:
        """`most_seconds` bounds the statement that compares; every other statement keeps to the platform's bound."""
        self._platform = platform
        self._mapped = mapped
        self._clock = clock
        self._incremental = incremental
        self._most_seconds = most_seconds
        self._names = platform_names(mapped)

    def complete_through(self, trigger: Trigger) -> datetime | None:  # noqa: ARG002  one comparison for all
        """See SignalSource. A comparison is complete now, if the platform can be asked at all."""
        with translated_errors(_WHAT), self._open() as connection:
            connection.execute(compose(statement("signals/probe_balances"), **self._names))
        return self._clock.now()

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:  # noqa: ARG002  it speaks of now
        """See SignalSource. All players are compared, by one statement, however many tenants."""
        with translated_errors(_WHAT), self._open() as connection:
            return self._whole(connection).readings(trigger, last)

    def compare(self, trigger: Trigger, window: Window, before: LastComparison | None) -> ComparedBalances:
        """See ContinuedSource. Everything is read in one snapshot."""
        if self._incremental is None:
            return ComparedBalances(self.readings(trigger, window, window))
        with translated_errors(_WHAT):
            try:
                return self._going_on(trigger, window, before, self._incremental)
            except psycopg.errors.InsufficientPrivilege as error:
                denied = _denied(error)
        # rights that suffice for a whole comparison may lack what tells who moved
        return ComparedBalances(self.readings(trigger, window, window), told=f"compared all players: {denied}")

    def _going_on(
        self, trigger: Trigger, window: Window, before: LastComparison | None, incremental: Incremental
    ) -> ComparedBalances:
        with self._open() as connection:
            moved = MovedPlayers(self._mapped, has_ledger=has_ledger_table(connection, self._mapped))
            deleted_rows = moved.deleted_rows(connection)
            # what the count of deleted rows holds must be seen in the snapshot: it begins after it
            connection.commit()
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            now = moved.moment(connection, deleted_rows)
            grid = WholeGrid(incremental.whole_from_hour, timedelta(hours=incremental.whole_every_hours))
            settings = self._settings(incremental)
            because = why_whole(before, window, now, settings, grid)
            players = self._players(connection)
            most = int(sum(players.values()) * incremental.most_moved_share)
            chosen = None
            if before is not None and because is None:
                chosen = _to_compare(connection, moved, before, turn(window, incremental.slices), incremental.slices, most)
            found = _Found(self._judged(connection, chosen, most + 1), players)
        whole_end = window.end if before is None or chosen is None else before.whole_end
        left = _left(found, window, whole_end, now, settings, most)
        told = _told(players, chosen, because or "too many would have to be")
        return ComparedBalances(found.readings(trigger, window), left if now.has_versions else None, told)

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002
        """See SignalSource. A comparison can always be used."""
        return {}

    def cost(self, trigger: Trigger, first: Window, last: Window) -> tuple[str, ...]:  # noqa: ARG002
        """See CostedSource: whether comparisons can go on from each other here."""
        if self._incremental is None:
            return ("every comparison is whole: the policy has no source.incremental",)
        with translated_errors(_WHAT), self._open() as connection:
            moved = MovedPlayers(self._mapped, has_ledger=has_ledger_table(connection, self._mapped))
            try:
                now = moved.moment(connection, moved.deleted_rows(connection))
                moved.to_compare(connection, now.next_transaction, self._incremental.slices, 0, 0)
            except psycopg.errors.InsufficientPrivilege as error:
                return (f"every comparison is whole: {_denied(error)}",)
        if not now.has_versions:
            return (f"every comparison is whole: {NO_VERSIONS}",)
        slices = self._incremental.slices
        late = f"deleted rows are not told here (a replica, or track_counts is off): they are found within {slices} windows"
        return ("incremental", late if now.deleted_rows is None else "deleted rows are told, and then all players are compared")

    def _open(self) -> Connection:
        return open_reader(self._platform, self._mapped, "signals")

    def _settings(self, incremental: Incremental) -> str:
        # another version of the guard may compare otherwise: what was right by the old rule was not looked at by the new one
        rule = JudgedWallets(self._mapped).within(statement("signals/count_mismatches")).as_string()
        texts = self._mapped.model_dump_json(), incremental.model_dump_json(), rule
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    def _players(self, connection: Connection) -> dict[str, int]:
        rows = connection.execute(compose(statement("signals/count_players"), **self._names)).fetchall()
        return {row["tenant_id"]: row["players"] for row in rows}

    def _whole(self, connection: Connection) -> _Found:
        by_tenant = self._judged(connection, None, 0)
        return _Found(by_tenant, {tenant_id: sum(row["players"] for row in rows) for tenant_id, rows in by_tenant.items()})

    def _judged(self, connection: Connection, chosen: Collection[PlayerKey] | None, most_ids: int) -> dict[str, list[Row]]:
        has_ledger = has_ledger_table(connection, self._mapped)
        judged = JudgedWallets(self._mapped, has_ledger=has_ledger, chosen=None if chosen is None else sorted(chosen))
        parameters = {**judged.parameters(None), "most_cents": MOST_CENTS, "most_ids": most_ids}
        connection.execute(statement("signals/bound_comparison"), {"most_milliseconds": self._most_seconds * 1000})
        connection.execute(statement("platform/ease_judging"))
        try:
            rows = connection.execute(judged.within(statement("signals/count_mismatches")), parameters).fetchall()
        except psycopg.errors.QueryCanceled as error:
            who = "all players" if chosen is None else f"{len(chosen):,} players"
            ended = f"comparing {who} was ended ({error.diag.message_primary})"
            raise SourceUnavailable(
                f"{_WHAT}: {ended}; allowed: {self._most_seconds} s, `most_seconds` of the source in the policy"
            ) from error
        return {tenant_id: list(found) for tenant_id, found in itertools.groupby(rows, key=itemgetter("tenant_id"))}


def _to_compare(
    connection: Connection, moved: MovedPlayers, before: LastComparison, turn_now: int, slices: int, most: int
) -> set[PlayerKey] | None:
    """The players to compare; None when they are so many that all are compared."""
    found = moved.to_compare(connection, before.oldest_open, slices, turn_now, most)
    # who differed may differ no longer: nobody is counted, or counted out, without being looked at
    found |= before.mismatched
    return None if len(found) > most else found


def _denied(error: psycopg.Error) -> str:
    return f"this login may not read what tells who moved: {error.diag.message_primary}"


def _left(found: _Found, window: Window, whole_end: datetime, now: PlatformMoment, settings: str, most: int) -> LastComparison:
    mismatched = found.mismatched
    too_many = len(mismatched) > most
    return LastComparison(
        window_end=window.end,
        whole_end=whole_end,
        settings=settings,
        place=now.place,
        oldest_open=now.oldest_open,
        deleted_rows=now.deleted_rows,
        mismatched=frozenset() if too_many else frozenset(mismatched),
        too_many=too_many,
    )


def _told(players: Mapping[str, int], chosen: Collection[PlayerKey] | None, because: str) -> str:
    in_all = sum(players.values())
    return f"compared all {in_all:,} players: {because}" if chosen is None else f"compared {len(chosen):,} of {in_all:,} players"


def _reading(trigger: Trigger, tenant_id: str, window: Window, rows: Sequence[Row], players: int) -> Reading:
    """A tenant's reading; each player who differs is one event."""
    found = [row for row in rows if row["cause"] is not None]
    events = sum(row["players"] for row in found)
    by_cause = {RowCause(row["cause"]): row["cents"] for row in found}
    known = [cents for cents in by_cause.values() if cents is not None]
    cents = min(sum(known), MOST_CENTS) if known or not found else None
    money = MoneyAtRisk(cents, sum(row["without_amount"] for row in found), by_cause)
    return Reading(trigger, tenant_id, window, events, players, events, money)
