"""Airflow runs in guard state: the requester, and what a run started by another run may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: the requester when no person asked: the health check
GUARD_ITSELF = "ledger_guard"
#: every DAG of the guard: a paused one is reported
DAG_IDS = (
    "ledger_health_check",
    "ledger_remediation",
    "tenant_backfill",
    "flag_rollback",
    "flag_restore",
    "flag_override",
    "guard_stop",
    "guard_delegate",
    "guard_mode",
    "guard_drill",
    "guard_storage",
)
#: DAGs that people start in an emergency: their runs that stay queued are reported
EMERGENCY_DAG_IDS = ("flag_rollback", "tenant_backfill")


@dataclass(frozen=True)
class StartedRun:
    """A run as Airflow describes it to its tasks."""

    dag_id: str
    run_id: str
    #: the person who started it by hand; None: no one, or not identified
    started_by: str | None
    #: whether a task of another run started it: then guard state has the requester
    is_started_by_run: bool
    conf: Mapping[str, Any]
    #: whether the schedule started it
    is_scheduled: bool = False
    #: why the person who started it by hand is not identified
    doubt: str = ""


@dataclass(frozen=True)
class RunGrant:
    """A grant: another run may start one run with exactly this conf; made by the use case that decided it."""

    #: unguessable, so that no one can take it beforehand
    run_id: str
    #: what it is for; a second grant for the same purpose is the first one
    purpose: str
    dag_id: str
    conf: dict[str, Any]
    requested_by: str
    incident_id: str | None
    granted_at: datetime
    #: when the run's first task used the grant
    begun_at: datetime | None = None
    #: when it was reported as not started
    told_at: datetime | None = None
