"""T3's made-up past varies a little around what a comparison finds at rest."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from tests.sandbox.conftest import AS_OF, rows, value
from tests.triggers import T1, T3

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window
from ledger_sandbox.history import t3_history

pytestmark = pytest.mark.postgres
WINDOW = Window(AS_OF, timedelta(minutes=5))
ORDINARY = [
    Reading(T3, "default_casino", WINDOW, events=4, exposure=800, subjects=4),
    Reading(T3, "mint_games", WINDOW, events=3, exposure=60, subjects=3),
    Reading(T3, "lucky.lane", WINDOW, events=0, exposure=40, subjects=0),
]


def test_every_window_before_the_given_one_gets_a_reading_of_each_tenant(database_uri):
    assert t3_history(database_uri, ORDINARY, AS_OF - timedelta(days=1), np.random.default_rng(1)) == 288
    assert (
        value(database_uri, "select count(*) from ledger_guard.sensed_window where trigger = 'T3' and state = 'complete'") == 288
    )
    assert value(database_uri, "select count(*) from ledger_guard.signal_window where trigger = 'T3'") == 3 * 288
    assert value(database_uri, "select max(window_start) from ledger_guard.sensed_window") == AS_OF - WINDOW.length


def test_mismatches_stay_within_one_of_the_ordinary_count_and_few_stay_what_they_are(database_uri):
    t3_history(database_uri, ORDINARY, AS_OF - timedelta(days=1), np.random.default_rng(1))
    query = "select tenant_id, array_agg(distinct events order by events) from ledger_guard.signal_window group by 1"
    assert dict(rows(database_uri, query)) == {"default_casino": [3, 4, 5], "mint_games": [3], "lucky.lane": [0]}


def test_a_past_that_is_there_already_is_not_written_twice(database_uri):
    t3_history(database_uri, ORDINARY, AS_OF - timedelta(hours=1), np.random.default_rng(1))
    with pytest.raises(psycopg.errors.UniqueViolation):
        t3_history(database_uri, ORDINARY, AS_OF - timedelta(hours=2), np.random.default_rng(1))
    assert value(database_uri, "select count(*) from ledger_guard.sensed_window") == 12


@pytest.mark.parametrize(
    "readings",
    [
        pytest.param([], id="none"),
        pytest.param([*ORDINARY, Reading(T3, "x", WINDOW.next, 0, 1, 0)], id="two windows"),
        pytest.param([Reading(T1, "x", WINDOW, 0, 1, 0)], id="another trigger"),
    ],
)
def test_only_t3_readings_of_one_window_are_taken(database_uri, readings):
    with pytest.raises(ValueError, match="allowed: T3 readings of one window"):
        t3_history(database_uri, readings, AS_OF - timedelta(hours=1), np.random.default_rng(1))
