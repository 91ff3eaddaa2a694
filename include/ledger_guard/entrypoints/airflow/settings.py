"""Airflow-side settings that an operator may change without touching the policy."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger_guard.entrypoints.airflow.failure import tell_failure

#: how often a waiting task looks, in seconds; short in rehearsals, where nobody wants to wait
POKE_SECONDS = int(os.environ.get("LEDGER_GUARD_POKE_SECONDS", "15"))

#: when the health check runs by itself; `off` leaves it to people (a rehearsal that plays its scenario step by step)
CHECK_SCHEDULE = {"on": "*/5 * * * *", "off": None}[os.environ.get("LEDGER_GUARD_SCHEDULE", "on")]

#: no run lies before this; fixed, since a moving date would make a new version of a DAG at each parse
START_DATE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def task_defaults(retries: int) -> dict[str, Any]:
    """What every task of the guard has in common: an owner, bounded retries, and that its failure is told."""
    return {
        "owner": "ledger-guard",
        "retries": retries,
        "retry_delay": timedelta(seconds=15),
        "on_failure_callback": tell_failure,
    }
