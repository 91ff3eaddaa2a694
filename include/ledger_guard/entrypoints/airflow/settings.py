"""Airflow-side settings that an operator may change without touching the policy."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger_guard.entrypoints.airflow.failure import tell_failure, tell_write_failure, tell_write_retry

#: how often a waiting task checks, in seconds; short in rehearsals
POKE_SECONDS = int(os.environ.get("LEDGER_GUARD_POKE_SECONDS", "15"))

#: schedule of the health check; `off`: by hand only (a rehearsal plays its scenario step by step)
CHECK_SCHEDULE = {"on": "*/5 * * * *", "off": None}[os.environ.get("LEDGER_GUARD_SCHEDULE", "on")]

#: schedule of the storage's upkeep, apart from full hours; `off` with the health check's
STORAGE_SCHEDULE = "17 * * * *" if CHECK_SCHEDULE else None

#: fixed, since a moving date would make a new version of a DAG at each parse
START_DATE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def task_defaults(retries: int) -> dict[str, Any]:
    """Defaults of every task of the guard: owner, limited retries, and a notice on failure."""
    return {
        "owner": "ledger-guard",
        "retries": retries,
        "retry_delay": timedelta(seconds=15),
        "on_failure_callback": tell_failure,
    }


def goes_on_by_itself() -> dict[str, Any]:
    """Of a task that writes wallets: a lost worker, or a database that was away, needs no human.

    A write goes on exactly where it stopped, and what was refused is never retried.
    """
    return {
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "on_failure_callback": tell_write_failure,
        "on_retry_callback": tell_write_retry,
    }
