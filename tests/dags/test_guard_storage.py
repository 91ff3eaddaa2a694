"""guard_storage, run by Airflow in this process: slices are made ahead, and what could not be done is told."""

from __future__ import annotations

import psycopg
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]


def test_a_run_makes_partitions_for_the_days_to_come(platform, channel, run_dag):
    assert run_dag("guard_storage", {})["keep_storage"] == "success"
    with psycopg.connect(platform.uri) as connection:
        made = connection.execute(
            "select count(*) from pg_class where relname like 'access_event_2%' and relkind = 'r' and relispartition"
        ).fetchone()
    assert made == (30 + 7 + 1,)


def test_a_run_that_leaves_tomorrow_without_a_partition_fails(platform, channel, run_dag):
    with psycopg.connect(platform.uri) as connection:
        connection.execute("drop function ledger_guard.make_partition")
    assert run_dag("guard_storage", {})["keep_storage"] == "failed"
