"""Tells people that a task failed; used as `on_failure_callback` by every task but those that notify."""

from __future__ import annotations

import logging
from typing import Any

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.notices import Notice
from ledger_guard.entrypoints.airflow.adapters import open_guard
from ledger_guard.use_cases.notify.notify import notify

log = logging.getLogger(__name__)


def tell_failure(context: Any) -> None:
    """Post which task failed, why, and where its log is. A channel that is down is logged and stops nothing."""
    ti = context["ti"]
    incident_id = (context["dag_run"].conf or {}).get("incident_id")
    try:
        guard = open_guard()
        notice = Notice(
            title=f"{ti.task_id.rsplit('.', maxsplit=1)[-1]} · failed",
            summary=f"{ti.dag_id} could not finish {ti.task_id}: {context.get('exception') or 'no reason given'}",
            facts=(("Run", ti.run_id), ("Try", str(ti.try_number))),
            links=(("Log", f"{guard.ui_url}/dags/{ti.dag_id}/runs/{ti.run_id}/tasks/{ti.task_id}"),),
            incident_id=incident_id,
        )
        notify(guard, notice)
    except LedgerGuardError as error:
        log.warning("the failure of %s could not be told: %s", ti.task_id, error)
