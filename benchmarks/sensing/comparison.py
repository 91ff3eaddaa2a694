"""T3: an incremental comparison against a whole one, on the same players, in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import psycopg
from rich.table import Table
from typing_extensions import LiteralString

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.stage import Stage, seconds
from benchmarks.backfill.statements import BARE_DIFF
from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.domain.comparisons import ComparedBalances
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.sources import BalanceComparison, Incremental

#: per mille of the players that move between two windows
SHARES = (0, 1, 10, 100)
#: the share that the goal is about
GOAL_SHARE = 10
_FIRST = Window(datetime(2026, 3, 1, 12, tzinfo=timezone.utc), timedelta(minutes=5))
#: a deposit that all rows got, as the platform books it: parameters per_mille and round
_MOVES: tuple[LiteralString, ...] = (
    """
    create temp table moving as
    select id, tenant_id from player where (hashtext(id || %(round)s) & 2147483647) %% 1000 < %(per_mille)s
    """,
    "update player p set balance_real_available = p.balance_real_available + 5 from moving m where m.id = p.id",
    """
    update walletbalance w set balance_real_available = w.balance_real_available + 5, updated_at = now()
    from moving m where m.tenant_id = w.tenant_id and m.id = w.player_id
    """,
    """
    insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key)
    select %(round)s || id, %(round)s || id, tenant_id, id, 'wallet', 'credit', 5, 'USD', 'deposit_succeeded', %(round)s
    from moving
    """,
    "drop table moving",
)


@dataclass(frozen=True)
class ComparisonTimes:
    """Median seconds."""

    players: int
    rounds: int
    slices: int
    #: player and wallet columns compared and counted, without any evidence
    bare_diff: float
    whole: float
    #: by per mille moved: seconds, and how many players were compared
    incremental: dict[int, tuple[float, str]]


class _Windows:
    """Compares a window after the other as the health check does, guard state included."""

    def __init__(self, stage: Stage, incremental: Incremental) -> None:
        settings, self._trigger = ConnectionSettings.parse(stage.uri, "bench"), Trigger("T3")
        # on a busy machine a comparison can outlast the policy's bounds; here it is to be timed
        platform = load_policy().platform.model_copy(update={"statement_timeout_seconds": 3600})
        self._source = BalanceComparisonSource(settings, platform, SystemClock(), incremental, most_seconds=3600)
        self._state, self._window = PostgresGuardState(settings), _FIRST

    def next(self) -> tuple[float, ComparedBalances]:
        began = time.perf_counter()
        with self._state.transaction() as state:
            before = state.comparisons.last(self._trigger)
        found = self._source.compare(self._trigger, self._window, before)
        assert found.left is not None, "it has row versions"
        with self._state.transaction() as state:
            state.comparisons.keep(self._trigger, found.left)
        took = time.perf_counter() - began
        assert not any(reading.events for reading in found.readings), "every wallet is right"
        self._window = self._window.next
        return took, found

    def whole(self) -> float:
        began = time.perf_counter()
        self._source.readings(self._trigger, self._window, self._window)
        return time.perf_counter() - began


def comparison_times(stage: Stage, rounds: int) -> ComparisonTimes:
    """Time each share in turn; whole comparisons at the beginning, in the middle and at the end."""
    source = load_policy().trigger(Trigger("T3")).source
    assert isinstance(source, BalanceComparison), "the shipped policy says so"
    assert source.incremental is not None, "the shipped policy says so"
    windows = _Windows(stage, source.incremental)
    windows.next()
    wholes: list[float] = []
    bare: list[float] = []
    taken: dict[int, list[float]] = {share: [] for share in SHARES}
    told = dict.fromkeys(SHARES, "")
    for number in range(rounds):
        bare.append(seconds(lambda: stage.run(BARE_DIFF)))
        wholes.append(windows.whole())
        for share in SHARES:
            _move(stage, share, f"r{number}-{share}-")
            took, found = windows.next()
            taken[share].append(took)
            told[share] = found.told
    medians = {share: (statistics.median(taken[share]), told[share]) for share in SHARES}
    return ComparisonTimes(
        stage.players, rounds, source.incremental.slices, statistics.median(bare), statistics.median(wholes), medians
    )


def _move(stage: Stage, per_mille: int, number: str) -> None:
    with psycopg.connect(stage.uri) as connection:
        for text in _MOVES:
            connection.execute(text, {"per_mille": per_mille, "round": number} if "%(" in text else None)
    with psycopg.connect(stage.uri, autocommit=True) as connection:
        connection.execute("vacuum (analyze) player, walletbalance, ledgertransaction")


def comparison_table(times: ComparisonTimes) -> Table:
    """One row a share."""
    title = f"T3 of {times.players:,} players, two ledger rows and a noted balance each; median of {times.rounds}"
    caption = (
        f"Of all players 1 in {times.slices} has its turn in each window, moved or not. No index was added to the platform's."
    )
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for heading in ("moved since", "seconds", "of a whole one", "who"):
        table.add_column(heading)
    table.add_row("whole", f"{times.whole:.2f}", "1", "all")
    for share, (took, told) in times.incremental.items():
        table.add_row(f"{share / 10:g} %", f"{took:.2f}", f"{took / times.whole:.3f}", told)
    table.add_row("bare diff", f"{times.bare_diff:.2f}", f"{times.bare_diff / times.whole:.3f}", "all, no evidence read")
    return table


def comparison_goals(times: ComparisonTimes) -> Sequence[Goal]:
    """What was wanted."""
    took, _ = times.incremental[GOAL_SHARE]
    return [Goal.at_least("a whole comparison against an incremental one, 1 % moved", times.whole / took, 10)]
