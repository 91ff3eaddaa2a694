"""Kinds of actions that the policy names: which have a run of their own, which change the platform, what they are about."""

from __future__ import annotations

from ledger_guard.domain.flags import EVERYWHERE

#: actions with an Airflow run of their own, and the DAG that carries them out
DAG_OF_ACTION = {"backfill": "tenant_backfill", "dry_run": "tenant_backfill", "roll_back": "flag_rollback"}
#: actions that change the platform; after one of them the signal has to recover
REPAIRS = ("backfill", "roll_back")


def rollback_target(flag: str, tenant_id: str) -> str:
    """What a rollback's action is recorded under: the flag, and the tenant when it is for one."""
    return flag if tenant_id == EVERYWHERE else f"{flag}@{tenant_id}"
