"""Airflow runs as guard state knows them: who asked for one, and what a run that another run starts may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: who asks when nobody did: the health check
GUARD_ITSELF = "ledger_guard"
#: every DAG of the guard: one that is paused is told
DAG_IDS = ("ledger_health_check", "ledger_remediation", "tenant_backfill", "flag_rollback", "flag_restore", "guard_stop")
#: those that people start in an emergency, perhaps alone: runs of them that stay queued are told
EMERGENCY_DAG_IDS = ("flag_rollback", "tenant_backfill")


@dataclass(frozen=True)
class StartedRun:
    """A run as Airflow tells its tasks of it."""

    dag_id: str
    run_id: str
    #: the person who started it by hand; None: nobody did, or it can't be told who
    started_by: str | None
    #: whether a task of another run started it: then guard state says who wanted it
    is_started_by_run: bool
    conf: Mapping[str, Any]
    #: whether the schedule started it
    is_scheduled: bool = False
    #: why it can't be told who started it by hand
    doubt: str = ""


@dataclass(frozen=True)
class RunGrant:
    """Leave for one run, with exactly this conf, to be started by another run; given by the use case that decided it."""

    #: not to be guessed, so that nobody can take its place beforehand
    run_id: str
    #: what it is for; a second grant for the same purpose is the first one
    purpose: str
    dag_id: str
    conf: dict[str, Any]
    requested_by: str
    incident_id: str | None
    granted_at: datetime
    #: when the run's first task asked for its leave
    begun_at: datetime | None = None
    #: when people were told that it had not begun
    told_at: datetime | None = None
