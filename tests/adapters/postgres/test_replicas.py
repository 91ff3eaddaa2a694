"""A replica is read where it will do, and only while it shows what the primary has; what it can't do is said at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from session_servers import Replicated, wait_until
from tests.triggers import T3

from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.wiring import signal_sources

pytestmark = pytest.mark.postgres

POLICY, CLOCK = load_policy(), SystemClock()
WINDOW = Window.containing(datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc), timedelta(minutes=5))


@pytest.fixture
def replica(replicated: Replicated) -> ConnectionSettings:
    return ConnectionSettings.parse(replicated.replica, "ledger_db_reader")


def test_balances_are_counted_on_a_replica_that_has_caught_up(replicated, replica):
    replicated.catch_up()
    source = signal_sources(replica, replica, POLICY, CLOCK)
    assert source.readings(T3, WINDOW, WINDOW) == []
    assert len(PostgresLedgerStore(replica, POLICY).tenant_ids()) > 0


def test_a_replica_of_a_platform_on_which_nothing_happens_does_not_lag(replicated, replica):
    replicated.catch_up()
    replica.open("test", read_only=True, most_replica_lag_seconds=0).close()


def test_a_comparison_says_that_it_needs_the_primary(replica):
    with pytest.raises(SourceUnavailable, match="is a replica, which takes no writes and no temporary tables"):
        PostgresLedgerStore(replica, POLICY).compare("tenant-a", BackfillMode.FORCE)


def test_a_writer_says_that_it_needs_the_primary(replica):
    with pytest.raises(SourceUnavailable, match=r"database platform: is a replica.*allowed here: the primary"):
        PostgresBackfillRunner(replica, replica, POLICY, CLOCK).force("7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001", "anna", 10)


@pytest.fixture
def paused(replicated: Replicated) -> Iterator[None]:
    replicated.on_replica("select pg_wal_replay_pause()")
    wait_until(lambda: replicated.on_replica("select pg_get_wal_replay_pause_state()") == [("paused",)])
    yield
    replicated.on_replica("select pg_wal_replay_resume()")


@pytest.mark.usefixtures("paused")
def test_a_replica_whose_replay_is_paused_is_not_believed(replica):
    with pytest.raises(SourceUnavailable, match="replay is paused; resume it, or read the primary"):
        signal_sources(replica, replica, POLICY, CLOCK).readings(T3, WINDOW, WINDOW)


@pytest.fixture
def delayed(replicated: Replicated) -> Iterator[None]:
    """A replica that has received a commit and does not replay it yet."""
    replicated.on_replica("alter system set recovery_min_apply_delay = '1h'")
    replicated.on_replica("select pg_reload_conf()")
    wait_until(lambda: replicated.on_replica("show recovery_min_apply_delay") == [("1h",)])
    replicated.commit_on_primary()
    wait_until(lambda: replicated.on_replica("select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()") == [(True,)])
    yield
    replicated.on_replica("alter system reset recovery_min_apply_delay")
    replicated.on_replica("select pg_reload_conf()")


@pytest.mark.usefixtures("delayed")
def test_a_replica_that_holds_back_what_it_was_sent_lags(replica):
    with pytest.raises(SourceUnavailable, match=r"is a replica .* s behind its primary, allowed: 0 s"):
        replica.open("test", read_only=True, most_replica_lag_seconds=0)


@pytest.fixture
def cut_off(replicated: Replicated) -> Iterator[None]:
    """A replica that is sent nothing any more, and has replayed all that it was sent."""
    (before,) = replicated.on_replica("show primary_conninfo")[0]
    replicated.on_replica("alter system set primary_conninfo = ''")
    replicated.on_replica("select pg_reload_conf()")
    wait_until(lambda: replicated.on_replica("select count(*) from pg_stat_wal_receiver") == [(0,)])
    yield
    replicated.on_replica("alter system set primary_conninfo = '{}'".format(str(before).replace("'", "''")))
    replicated.on_replica("select pg_reload_conf()")
    wait_until(lambda: replicated.on_replica("select count(*) from pg_stat_wal_receiver where status = 'streaming'") == [(1,)])


@pytest.mark.usefixtures("cut_off")
def test_a_replica_that_is_cut_off_is_not_taken_for_one_that_has_caught_up(replica):
    with pytest.raises(SourceUnavailable, match="behind its primary"):
        replica.open("test", read_only=True, most_replica_lag_seconds=0)
