"""Actions of the policy: which have their own run, which change the platform, and their targets."""

from __future__ import annotations

from ledger_guard.domain.flags import EVERYWHERE

#: actions with their own Airflow run, and the DAG that runs them
DAG_OF_ACTION = {"backfill": "tenant_backfill", "dry_run": "tenant_backfill", "roll_back": "flag_rollback"}
#: actions that change the platform; after one of them the signal must recover
REPAIRS = ("backfill", "roll_back")


def rollback_target(flag: str, tenant_id: str) -> str:
    """The target under which a rollback's action is recorded: the flag, and the tenant if it is for one."""
    return flag if tenant_id == EVERYWHERE else f"{flag}@{tenant_id}"
