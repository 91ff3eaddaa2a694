"""# guard_storage

## Purpose
Makes the partitions of guard state's tables for the next days, and drops those that the policy's `retention` no longer keeps.

## Schedule
Every hour; one run at a time.

## Params
None.

## What it changes
Guard state only: partitions of access events, unreadable and rejected lines, readings, verdicts and hourly sums. Readings are
summed up by the hour before they are dropped; alarms and verdicts of incidents stay. The audit log, incidents and plans are never
touched.

## Safe to re-run?
Yes. What is there is not made again, and nothing younger than the policy's `retention` is dropped.

## When it fails
There is no partition for tomorrow: rows go to the default partition, none is lost. Run `python -m ledger_guard db maintain` as
the tables' owner; see `docs/operations.md`. A table that was locked is tried again by the next run without a failure.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.errors import never_retried
from ledger_guard.entrypoints.airflow.settings import START_DATE, STORAGE_SCHEDULE, task_defaults
from ledger_guard.use_cases.storage import keep_storage as keeping


@dag(
    dag_id="guard_storage",
    schedule=STORAGE_SCHEDULE,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=50),
    default_args=task_defaults(retries=0),
    doc_md=__doc__,
    tags=["ledger-guard", "storage"],
)
def guard_storage() -> None:
    @task
    def keep_storage() -> list[str]:
        """Make partitions ahead, drop old ones; returns what was done, and what the next run must try again."""
        with never_retried():
            found = keeping.keep_storage(open_dependencies())
        return [found.sentence, *found.problems]

    keep_storage()


guard_storage()
