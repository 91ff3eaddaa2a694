"""T3 goes on from the comparison before on a replica too: what was open on the primary is not taken as seen."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from session_servers import Replicated, wait_until
from tests.triggers import T3

from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.sources import Incremental

pytestmark = pytest.mark.postgres

FIVE, SLICES = timedelta(minutes=5), 4
POLICY = load_policy()


class OnReplica:
    """Compares on the replica, window after window."""

    @staticmethod
    def uri(replicated: Replicated) -> str:
        return replicated.replica

    def __init__(self, replicated: Replicated) -> None:
        settings = ConnectionSettings.parse(self.uri(replicated), "ledger_db_reader")
        incremental = Incremental(whole_from_hour=3, slices=SLICES, most_moved_share=1)
        self.source = BalanceComparisonSource(settings, POLICY.platform, SystemClock(), incremental)
        self.replicated, self.window = replicated, Window(datetime(2026, 3, 1, 12, tzinfo=timezone.utc), FIVE)
        self.left: LastComparison | None = None

    def next(self) -> ComparedBalances:
        self.replicated.catch_up()
        found = self.source.compare(T3, self.window, self.left)
        self.window, self.left = self.window.next, found.left
        return found


class OnPrimary(OnReplica):
    """Compares on the primary."""

    @staticmethod
    def uri(replicated: Replicated) -> str:
        return replicated.primary


@pytest.fixture
def primary(replicated: Replicated) -> Iterator[psycopg.Connection]:
    """Twenty players of one tenant whose wallets are right."""
    with psycopg.connect(replicated.primary, autocommit=True) as connection:
        connection.execute("insert into tenant (id, name) values ('compared', 'C')")
        connection.execute(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held) select 'c' || n, 'compared', 'u', 'e', 10, 0, 10, 0 from generate_series(1, 20) n"
        )
        connection.execute("insert into walletbalance select 'compared', id, 'USD', 10, 0, 0, 0 from player where id like 'c%'")
        yield connection
    # the one before may have ended with the server
    with psycopg.connect(replicated.primary, autocommit=True) as connection:
        for table in ("walletbalance", "player"):
            connection.execute(
                psycopg.sql.SQL("delete from {} where tenant_id = 'compared'").format(psycopg.sql.Identifier(table))
            )
        connection.execute("delete from tenant where id = 'compared'")


@pytest.mark.usefixtures("primary")
def test_what_was_open_on_the_primary_is_found_when_it_commits(replicated, primary):
    windows = OnReplica(replicated)
    with psycopg.connect(replicated.primary) as transaction:
        transaction.execute("update player set balance_real_available = 11 where id = 'c7'")
        primary.execute("update tenant set name = 'later' where id = 'compared'")
        before = [windows.next() for _ in range(3)]
        assert [each.readings[0].events for each in before] == [0, 0, 0]
        assert "compared all" not in before[-1].told
        transaction.commit()
    found = windows.next()
    assert "compared all" not in found.told
    assert windows.left is not None
    assert windows.left.mismatched == {("compared", "c7")}


def test_what_was_deleted_is_found_when_the_players_turn_comes(replicated, primary):
    windows = OnReplica(replicated)
    windows.next()
    primary.execute("delete from walletbalance where player_id = 'c7'")
    found = [windows.next() for _ in range(SLICES)]
    assert not any("compared all" in each.told for each in found)
    assert found[-1].readings[0].events == 1
    [_, said] = windows.source.cost(T3, windows.window, windows.window)
    assert said.startswith("deleted rows are not told here")


def counted_since(uri: str) -> object:
    """Since when the server counts; None while it does not answer."""
    try:
        with psycopg.connect(uri) as connection:
            return connection.execute("select pg_stat_get_bgwriter_stat_reset_time()").fetchone()
    except psycopg.OperationalError:
        return None


@pytest.mark.usefixtures("primary")
def test_a_server_that_crashed_counts_anew_so_all_are_compared(replicated):
    """What was deleted before is counted nowhere; nor is it sure that the files are those of before."""
    windows = OnPrimary(replicated)
    windows.next()
    assert "compared all" not in windows.next().told
    with psycopg.connect(replicated.primary, autocommit=True) as connection:
        connection.execute("select pg_stat_reset()")
    assert "not those of the comparison before" in windows.next().told, "counts were reset"
    before = counted_since(replicated.primary)
    with psycopg.connect(replicated.primary, autocommit=True) as connection:
        connection.execute("set synchronous_commit = local")
        connection.execute("delete from walletbalance where player_id = 'c7'")
        os.kill(connection.info.backend_pid, signal.SIGKILL)
    wait_until(lambda: counted_since(replicated.primary) not in (None, before))
    found = windows.next()
    assert "not those of the comparison before" in found.told
    assert found.readings[0].events == 1
