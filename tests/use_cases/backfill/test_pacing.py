"""How large the next batch is, when a database is too unwell for it, and what progress says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger_guard.domain.pacing import BackfillProgress, DatabaseHealth, HealthLimits, next_batch_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOUNDS = {"target_seconds": 0.1, "least": 10, "most": 1000}


@pytest.mark.parametrize(
    ("rows", "held_seconds", "expected"),
    [
        pytest.param(100, 0.1, 100, id="at the target"),
        pytest.param(100, 0.095, 100, id="close enough to it"),
        pytest.param(100, 0.2, 50, id="twice as long: half the rows"),
        pytest.param(100, 1.0, 10, id="far too long: at once down to what fits"),
        pytest.param(100, 60.0, 10, id="never below the least"),
        pytest.param(100, 0.08, 125, id="a little short"),
        pytest.param(100, 0.001, 200, id="very short: no more than twice as large"),
        pytest.param(100, 0.0, 200, id="too short to be measured"),
        pytest.param(900, 0.01, 1000, id="never above the most"),
    ],
)
def test_a_batch_follows_the_time_that_its_locks_were_held(rows, held_seconds, expected):
    assert next_batch_rows(rows, held_seconds, **BOUNDS) == expected


def test_batches_settle_at_the_target_whatever_a_row_costs():
    for seconds_a_row in (0.0002, 0.001, 0.005):
        rows = 10
        for _ in range(12):
            rows = next_batch_rows(rows, rows * seconds_a_row, **BOUNDS)
        assert rows * seconds_a_row == pytest.approx(0.1, rel=0.15)


LIMITS = HealthLimits(waiting_sessions=5, longest_transaction_seconds=300, replica_lag_seconds=30)


@pytest.mark.parametrize(
    ("health", "why"),
    [
        pytest.param(DatabaseHealth(), None, id="idle, no replica"),
        pytest.param(DatabaseHealth(5, 300.0, 30.0), None, id="each at its limit"),
        pytest.param(DatabaseHealth(6, 0.0, None), "6 sessions wait for locks (allowed: 5)", id="waiting"),
        pytest.param(DatabaseHealth(0, 301.0, None), "open for 301 s (allowed: 300 s)", id="long transaction"),
        pytest.param(DatabaseHealth(0, 0.0, 31.0), "31 s behind (allowed: 30 s)", id="replica behind"),
    ],
)
def test_a_database_is_unwell_beyond_a_limit_and_says_which(health, why):
    exceeded = LIMITS.exceeded_by(health)
    assert (exceeded == ()) if why is None else (why in exceeded[0])


def test_everything_that_is_wrong_is_said():
    assert len(LIMITS.exceeded_by(DatabaseHealth(9, 999.0, 99.0))) == 3


def test_progress_tells_share_pace_and_time_left():
    progress = BackfillProgress("force", 5000, 1200, NOON, NOON + timedelta(seconds=2))
    assert progress.sentence() == "force: 1,200 of 5,000 rows (24 %), 600 rows/s, 0:00:06 left"


def test_progress_without_a_measured_moment_tells_no_pace():
    assert BackfillProgress("undo", 5000, 0, NOON, NOON).sentence() == "undo: 0 of 5,000 rows (0 %)"


def test_progress_that_is_done_has_nothing_left():
    done = BackfillProgress("force", 5, 5, NOON, NOON)
    assert done.time_left == timedelta(0)
    assert BackfillProgress("force", 0, 0, NOON, NOON).sentence() == "force: 0 of 0 rows (100 %)"
